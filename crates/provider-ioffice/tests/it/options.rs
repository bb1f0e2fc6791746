use tokenkeeper_protocol::Method;

use super::*;

#[test]
fn a_token_in_the_query_and_a_secret_header_are_options() {
    let provider = ioffice().query_attachment().unwrap();
    let provider = provider.secret_header("X-First").unwrap();
    let provider = provider.secret_header("X-Client-Secret").unwrap();
    let sent = transcript(&at_acme(provider)).unwrap();
    assert_eq!(sent, include_str!("golden/requests_with_options.txt"));
}

#[test]
fn a_secret_header_needs_a_secret_and_an_unused_name() {
    let bare = IOffice::new(Registration::new("id", CALLBACK)).unwrap();
    let without_secret = bare.secret_header("x-client-secret");
    assert!(matches!(without_secret, Err(Error::SecretMissing { .. })));
    for name in ["", "a b", "x-client-id"] {
        let refused = ioffice().secret_header(name);
        assert!(matches!(refused, Err(Error::Dialect { .. })), "{name:?}");
    }
}

#[test]
fn a_revocation_is_a_post_by_option() {
    let provider = ioffice().revoke_method(Method::Post).unwrap();
    let sent = transcript(&at_acme(provider)).unwrap();
    let get = include_str!("golden/requests.txt");
    let post = "# revocation\n\
        POST https://acme.example.com/external/api/oauth2/revoke\n\
        x-token: at/1+2==\n\
        content-length: 0\n\n\
        POST https://acme.example.com/external/api/oauth2/revoke\n\
        x-token: rt/1+2==\n\
        content-length: 0\n\n";
    assert!(sent.contains(post), "{sent}");
    let (before, _) = get.split_once("# revocation").unwrap();
    assert!(sent.starts_with(before));
}

#[test]
fn pkce_can_be_left_out() {
    let with = transcript(&at_acme(ioffice())).unwrap();
    assert!(with.contains("code_challenge") && with.contains("x-code-verifier"));
    let provider = ioffice().without_pkce().unwrap();
    let without = transcript(&at_acme(provider)).unwrap();
    assert!(!without.contains("code_challenge") && !without.contains("x-code-verifier"));
    assert!(without.contains("PKCE: Off"));
}

#[test]
fn a_scope_is_any_that_the_registration_names() {
    let provider = IOffice::new(registration().scope("tenant.read")).unwrap();
    assert_eq!(provider.client().scope(), Some("tenant.read"));
    let empty = IOffice::new(registration().scope(""));
    assert!(matches!(empty, Err(Error::Scope { .. })));
}
