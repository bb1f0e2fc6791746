//! The exact bytes of QicsMilestones, and what its responses mean.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

mod answers;
mod redirect_uri;
mod redirects;

use tokenkeeper_protocol::{
    AccessToken, Attachment, Error, LoginData, Provider, Registration,
    conformance::{Subject, transcript},
};
use tokenkeeper_provider_qics_milestones::QicsMilestones;

const CALLBACK: &str = "https://app.example/cb";

fn qics() -> QicsMilestones {
    let registration = Registration::new("my-client", CALLBACK);
    QicsMilestones::new(registration.secret("s3cr3t")).expect("a provider")
}

mod conforms {
    tokenkeeper_protocol::conformance!(super::qics);
}

mod conforms_with_top_level_state {
    tokenkeeper_protocol::conformance!(|| super::qics().top_level_state().unwrap());
}

#[test]
fn q1_requests_and_policies_match_the_golden_file() {
    let sent = transcript(&qics().into()).unwrap();
    assert_eq!(sent, include_str!("golden/requests.txt"));
}

#[test]
fn without_pkce_the_other_parameters_stay() {
    let sent = transcript(&qics().without_pkce().unwrap().into()).unwrap();
    let golden = include_str!("golden/requests.txt");
    let lines = golden.lines().filter(|line| !line.contains("&code_"));
    let expected: String = lines.map(|line| format!("{line}\n")).collect();
    let expected = expected.replace("content-length: 205", "content-length: 146");
    let expected = expected.replace("PKCE: S256", "PKCE: Off");
    assert_eq!(sent, expected);
}

#[test]
fn a_top_level_state_is_added_once() {
    let provider = qics().top_level_state().unwrap().top_level_state().unwrap();
    let sent = transcript(&provider.into()).unwrap();
    let golden = include_str!("golden/requests.txt");
    assert_eq!(
        sent,
        golden.replacen("%3Fflow%3DS\n", "%3Fflow%3DS\n  &state=S\n", 1)
    );
}

#[test]
fn the_token_is_a_sensitive_bearer_header() {
    let attached = qics()
        .attach(&AccessToken::new("90f4068d"), Some("bearer"))
        .unwrap();
    let Attachment::Header { name, value } = attached else {
        panic!("not a header: {attached:?}")
    };
    assert_eq!(
        (name.as_str(), value.as_bytes()),
        ("authorization", &b"Bearer 90f4068d"[..])
    );
    assert!(value.is_sensitive());
}

#[test]
fn an_unusable_registration_is_refused() {
    let bare = Registration::new("id", CALLBACK);
    let without_secret = QicsMilestones::new(bare.clone());
    assert!(matches!(without_secret, Err(Error::SecretMissing { .. })));
    let with_scope = QicsMilestones::new(bare.secret("s").scope("x"));
    assert!(matches!(with_scope, Err(Error::Scope { .. })));
    let taken = Registration::new("id", "https://app.example/cb?flow=1");
    let taken = QicsMilestones::new(taken.secret("s"));
    assert!(matches!(taken, Err(Error::RedirectUri { .. })));
}

#[test]
fn f3_the_base_is_https_unless_loopback() {
    let plain = qics().base("http://qics.example");
    assert!(matches!(plain, Err(Error::Origin { .. })));
    let provider = qics().base("http://127.0.0.1:1234").unwrap();
    let site = provider.site(None).unwrap();
    assert_eq!(site.as_str(), "http://127.0.0.1:1234");
    assert_eq!(provider.api_origins(&site, &LoginData::default()), [site]);
}

#[test]
fn the_brand_is_part_of_the_keys() {
    assert_eq!(qics().brand(), "qics-milestones");
}
