//! The exact bytes of Amiqus, and what its responses mean.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

mod answers;
mod redirects;

use tokenkeeper_protocol::{
    Error, LoginData, Provider, Registration,
    conformance::{Subject, transcript},
};
use tokenkeeper_provider_amiqus::Amiqus;

const CALLBACK: &str = "https://app.example/cb";

fn amiqus() -> Amiqus {
    let registration = Registration::new("my-client", CALLBACK);
    Amiqus::new(registration.secret("s3cr3t")).expect("a provider")
}

mod conforms {
    tokenkeeper_protocol::conformance!(super::amiqus);
}

mod conforms_without_pkce {
    tokenkeeper_protocol::conformance!(|| super::amiqus().without_pkce().unwrap());
}

#[test]
fn a10_requests_and_policies_match_the_golden_file() {
    let sent = transcript(&amiqus().into()).unwrap();
    assert_eq!(sent, include_str!("golden/requests.txt"));
}

#[test]
fn requests_without_pkce_match_the_golden_file() {
    let sent = transcript(&Subject::new(amiqus().without_pkce().unwrap())).unwrap();
    assert_eq!(sent, include_str!("golden/requests_without_pkce.txt"));
}

#[test]
fn an_unusable_registration_is_refused() {
    let bare = Registration::new("id", CALLBACK);
    let without_secret = Amiqus::new(bare.clone());
    assert!(matches!(without_secret, Err(Error::SecretMissing { .. })));
    let with_scope = Amiqus::new(bare.secret("s").scope("x"));
    assert!(matches!(with_scope, Err(Error::Scope { .. })));
}

#[test]
fn the_base_is_https_unless_loopback() {
    let plain = amiqus().base("http://id.amiqus.co");
    assert!(matches!(plain, Err(Error::Origin { .. })));
    let provider = amiqus().base("http://127.0.0.1:1").unwrap();
    let site = provider.site(None).unwrap();
    assert_eq!(site.as_str(), "http://127.0.0.1:1");
    assert_eq!(provider.api_origins(&site, &LoginData::default()), [site]);
}

#[test]
fn the_brand_is_part_of_the_keys() {
    assert_eq!(amiqus().brand(), "amiqus");
}
