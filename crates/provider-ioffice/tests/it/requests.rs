use tokenkeeper_protocol::{
    AuthorizationCode, Grant, HeaderProblem, LoginData, RedirectError, RefreshToken,
};

use super::*;

#[test]
fn i2_i9_i10_i20_requests_and_policies_match_the_golden_file() {
    let sent = transcript(&at_acme(ioffice())).unwrap();
    assert_eq!(sent, include_str!("golden/requests.txt"));
}

#[test]
fn a_scope_of_the_grant_replaces_that_of_the_registration() {
    let grant = Grant::RefreshToken {
        refresh_token: &RefreshToken::new("rt-1"),
        redirect_uri: CALLBACK,
        scope: Some("tenant.read"),
    };
    let request = ioffice().token_request(&site(), &grant).unwrap();
    assert_eq!(request.headers()["x-scope"], "tenant.read");
}

#[test]
fn i5_the_fragment_is_read_as_the_relay_posts_it() {
    let read = |fragment| at_acme(ioffice()).read_redirect("st", fragment);
    let callback = read("code=ab+c%2Bd==&appCode=X%20Y").unwrap();
    assert_eq!(callback.code.expose(), "ab+c+d==");
    assert_eq!(callback.extra, [("appCode".to_owned(), "X Y".to_owned())]);
    assert!(!callback.state_returned);
    assert!(read("#code=c&appCode=a&state=st").unwrap().state_returned);
    let other_state = read("code=c&state=other");
    assert_eq!(other_state, Err(RedirectError::StateMismatch));
    let with_error = read("code=c&error=access_denied");
    assert_eq!(with_error, Err(RedirectError::CodeAndError));
}

#[test]
fn i22_an_unusable_code_or_redirect_uri_is_refused() {
    for (bad, expected) in [
        ("c\r\nx: y", HeaderProblem::Control),
        ("c\0", HeaderProblem::Control),
        (" c", HeaderProblem::Blank),
        ("c ", HeaderProblem::Blank),
        ("cödé", HeaderProblem::NonAscii),
        ("", HeaderProblem::Empty),
    ] {
        for (code, redirect_uri) in [(bad, CALLBACK), ("c", bad)] {
            let grant = Grant::AuthorizationCode {
                code: &AuthorizationCode::new(code),
                redirect_uri,
                scope: None,
                code_verifier: None,
            };
            let refused = ioffice().token_request(&site(), &grant).unwrap_err();
            let Error::HeaderValue { problem, .. } = refused else {
                panic!("{bad:?}: {refused:?}")
            };
            assert_eq!(problem, expected, "{bad:?}");
        }
    }
}

#[test]
fn a_site_is_a_tenants_and_must_be_allowed() {
    let provider = ioffice();
    for given in [SITE, "https://ACME.example.com/"] {
        let site = provider.site(Some(given)).unwrap();
        assert_eq!(site.as_str(), "https://acme.example.com");
        assert_eq!(provider.api_origins(&site, &LoginData::default()), [site]);
    }
    let missing = provider.site(None);
    assert!(matches!(missing, Err(Error::SiteMissing { .. })));
    let foreign = provider.site(Some("globex.example.com"));
    assert!(matches!(foreign, Err(Error::SiteRefused { .. })));
    let insecure = provider.site(Some("http://acme.example.com"));
    assert!(matches!(insecure, Err(Error::Origin { .. })));
    let without_policy = IOffice::new(registration()).unwrap();
    let unstated = without_policy.site(Some(SITE));
    assert!(matches!(unstated, Err(Error::SitePolicyMissing { .. })));
    let fixed = without_policy.base("http://127.0.0.1:1234").unwrap();
    assert_eq!(fixed.site(None).unwrap().as_str(), "http://127.0.0.1:1234");
}
