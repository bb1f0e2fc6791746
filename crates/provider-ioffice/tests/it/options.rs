use tokenkeeper_protocol::{
    AccessToken, AuthorizationCode, Error, Grant, Method, Provider, RefreshToken, Registration,
    TokenSet,
    http::{HeaderMap, Uri},
};

use super::*;

#[test]
fn a_token_goes_into_the_query_by_option() {
    let provider = ioffice().query_attachment().unwrap();
    let attachment = provider.attach(&AccessToken::new("a+b")).unwrap();
    let (mut uri, mut headers) = (
        Uri::from_static("https://acme.example.com/external/api/rest/v2/users/me?x=1"),
        HeaderMap::new(),
    );
    attachment.apply(&mut uri, &mut headers).unwrap();
    assert_eq!(
        uri,
        "https://acme.example.com/external/api/rest/v2/users/me?x=1&access_token=a%2Bb"
    );
    assert!(headers.is_empty());
}

#[test]
fn a_secret_goes_into_the_header_that_the_option_names() {
    let provider = ioffice()
        .secret_header("X-First")
        .unwrap()
        .secret_header("X-Client-Secret")
        .unwrap();
    let site = provider.site(Some("acme.example.com")).unwrap();
    let (code, refresh_token) = (AuthorizationCode::new("c"), RefreshToken::new("r"));
    let grants = [
        Grant::Code {
            code: &code,
            redirect_uri: CALLBACK,
            scope: None,
            verifier: None,
        },
        Grant::Refresh {
            refresh_token: &refresh_token,
            redirect_uri: CALLBACK,
            scope: None,
        },
    ];
    for grant in grants {
        let request = provider.token_request(&site, &grant).unwrap();
        assert_eq!(request.headers()["x-client-secret"], "s3cr3t");
        assert!(request.headers()["x-client-secret"].is_sensitive());
        assert_eq!(show(&request).matches("s3cr3t").count(), 1);
    }
}

#[test]
fn a_secret_header_needs_a_secret_and_a_name_of_its_own() {
    let bare = IOffice::new(Registration::new("id", CALLBACK).unwrap()).unwrap();
    assert!(matches!(
        bare.secret_header("x-client-secret"),
        Err(Error::SecretMissing { .. })
    ));
    for name in ["", "a b", "x-client-id"] {
        assert!(
            matches!(ioffice().secret_header(name), Err(Error::Dialect { .. })),
            "{name:?}"
        );
    }
}

#[test]
fn a_revocation_is_a_post_by_option() {
    let provider = ioffice().revoke_method(Method::Post).unwrap();
    let site = provider.site(Some("acme.example.com")).unwrap();
    let requests = provider
        .revocation_requests(&site, &TokenSet::new("at-1"))
        .unwrap();
    assert_eq!(requests.len(), 1);
    assert_eq!(
        show(&requests[0]),
        "POST https://acme.example.com/external/api/oauth2/revoke\nx-token: at-1\ncontent-length: 0\n\n"
    );
}

#[test]
fn a_scope_is_any_that_the_registration_names() {
    let provider = IOffice::new(registration().scope("tenant.read")).unwrap();
    assert_eq!(provider.client().scope(), Some("tenant.read"));
    assert!(matches!(
        IOffice::new(registration().scope("")),
        Err(Error::Scope { .. })
    ));
}
