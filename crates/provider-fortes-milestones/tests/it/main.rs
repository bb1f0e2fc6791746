//! FortesMilestones is QicsMilestones under another brand: the same bytes, other keys.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use tokenkeeper_protocol::{
    Error, Provider, Registration,
    conformance::{Subject, transcript},
};
use tokenkeeper_provider_fortes_milestones::{FortesMilestones, dialect};
use tokenkeeper_provider_qics_milestones::{self as qics, QicsMilestones};

const CALLBACK: &str = "https://app.example/cb";

fn registration() -> Registration {
    let registration = Registration::new("my-client", CALLBACK);
    registration.secret("s3cr3t")
}

fn fortes() -> FortesMilestones {
    FortesMilestones::new(registration()).expect("a provider")
}

mod conforms {
    tokenkeeper_protocol::conformance!(super::fortes);
}

#[test]
fn the_dialect_differs_from_that_of_qics_by_the_brand() {
    let mut own = dialect().unwrap();
    assert_eq!(own.brand, "fortes-milestones");
    own.brand = "qics-milestones".to_owned();
    assert_eq!(own, qics::dialect().unwrap());
}

#[test]
fn requests_are_those_of_qics() {
    let qics = QicsMilestones::new(registration()).unwrap();
    let sent = transcript(&fortes().into()).unwrap();
    assert_eq!(sent, transcript(&qics.clone().into()).unwrap());
    let without_pkce = fortes().without_pkce().unwrap();
    let sent = transcript(&without_pkce.into()).unwrap();
    let of_qics = qics.clone().without_pkce().unwrap();
    assert_eq!(sent, transcript(&of_qics.into()).unwrap());
    let with_state = fortes().top_level_state().unwrap();
    let sent = transcript(&with_state.into()).unwrap();
    assert_eq!(
        sent,
        transcript(&qics.top_level_state().unwrap().into()).unwrap()
    );
}

#[test]
fn f4_the_same_client_id_is_another_key() {
    let (fortes, qics) = (fortes(), QicsMilestones::new(registration()).unwrap());
    assert_ne!(fortes.brand(), qics.brand());
    assert_eq!(fortes.site(None).unwrap(), qics.site(None).unwrap());
}

#[test]
fn f3_the_base_is_https_unless_loopback() {
    let plain = fortes().base("http://fortes.example");
    assert!(matches!(plain, Err(Error::Origin { .. })));
    let provider = fortes().base("https://milestones.fortes.example").unwrap();
    let site = provider.site(None).unwrap();
    assert_eq!(site.as_str(), "https://milestones.fortes.example");
}

#[test]
fn a_top_level_state_must_match_if_it_comes_back() {
    let subject = Subject::new(fortes().top_level_state().unwrap());
    assert!(subject.read_redirect("F", "flow=F&code=X").is_ok());
    let other = subject.read_redirect("F", "flow=F&state=G&code=X");
    assert!(other.is_err());
}

#[test]
fn a_registration_without_a_secret_is_refused() {
    let bare = FortesMilestones::new(Registration::new("id", CALLBACK));
    assert!(matches!(bare, Err(Error::SecretMissing { .. })));
}
