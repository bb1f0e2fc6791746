//! Authorization requests that are refused before a user is redirected.

use tokenkeeper_protocol::{
    AuthorizationRequest, Error, Pkce, Provider, RedirectRule, Registration, Url,
};

use crate::support::*;

fn request<'a>(
    redirect_uri: &'a Url,
    state: &'a tokenkeeper_protocol::State,
) -> AuthorizationRequest<'a> {
    AuthorizationRequest {
        state,
        redirect_uri,
        scope: None,
        code_challenge: None,
        extra: &[],
    }
}

#[test]
fn a_code_challenge_is_required_with_pkce_only() {
    let (state, callback) = (state(), callback());
    let (on, off) = (client(), with(|d| d.authorization.pkce = Pkce::Off));
    let site = on.site(None).unwrap();
    let plain = request(&callback, &state);
    let challenged = AuthorizationRequest {
        code_challenge: Some("ch"),
        ..plain
    };
    assert!(matches!(
        on.authorization_url(&site, &plain),
        Err(Error::Pkce { .. })
    ));
    assert!(matches!(
        off.authorization_url(&site, &challenged),
        Err(Error::Pkce { .. })
    ));
    assert!(on.authorization_url(&site, &challenged).is_ok());
    assert!(off.authorization_url(&site, &plain).is_ok());
}

#[test]
fn q14_an_unregistered_redirect_uri_is_refused() {
    let client = with(|d| d.authorization.pkce = Pkce::Off);
    let (state, site) = (state(), client.site(None).unwrap());
    for other in [
        "https://evil.test/?u=https://app.example/cb",
        "https://evil.test/cb",
        "https://app.example.evil.test/cb",
        "https://app.example:8443/cb",
        "http://app.example/cb",
        "https://app.example/cb/more",
        "https://app.example/CB",
        "https://app.example/cb#fragment",
        "https://user@app.example/cb",
        "https://app.example/cb?extra=1",
    ] {
        let url = Url::parse(other).unwrap();
        let refused = client.authorization_url(&site, &request(&url, &state));
        assert!(matches!(refused, Err(Error::RedirectUri { .. })), "{other}");
    }
}

#[test]
fn q14_only_extra_query_may_differ() {
    let registration = Registration::new("id", "https://app.example/cb?a=1").secret("s");
    let mut dialect = dialect();
    dialect.authorization.redirect_rule = RedirectRule::ExtraQuery;
    let client = dialect.with(registration).unwrap();
    let check = |uri: &str| client.check_redirect_uri(&Url::parse(uri).unwrap()).is_ok();
    for uri in [
        "https://app.example/cb?a=1",
        "https://app.example/cb?a=1&b=2",
    ] {
        assert!(check(uri), "{uri}");
    }
    for uri in [
        "https://app.example/cb",
        "https://app.example/cb?b=2&a=1",
        "https://app.example/cb?a=12",
        "https://app.example/other?a=1",
        "https://evil.test/cb?a=1",
        "https://app.example/cb?a=1#f",
    ] {
        assert!(!check(uri), "{uri}");
    }
}

#[test]
fn an_extra_parameter_replaces_no_other() {
    let client = with(|d| d.authorization.pkce = Pkce::Off);
    let (state, callback, site) = (state(), callback(), client.site(None).unwrap());
    for name in ["state", "redirect_uri", "client_id", "code_challenge"] {
        let request = AuthorizationRequest {
            extra: &[(name, "x")],
            ..request(&callback, &state)
        };
        let refused = client.authorization_url(&site, &request);
        assert!(
            matches!(refused, Err(Error::ExtraParameter { .. })),
            "{name}"
        );
    }
}

#[test]
fn a_scope_has_the_form_of_the_rfc() {
    let client = with(|d| d.authorization.pkce = Pkce::Off);
    let (state, callback, site) = (state(), callback(), client.site(None).unwrap());
    for scope in ["", " a", "a ", "a  b", "a\"b", "a\r\nb", "é"] {
        let request = AuthorizationRequest {
            scope: Some(scope),
            ..request(&callback, &state)
        };
        let refused = client.authorization_url(&site, &request);
        assert!(matches!(refused, Err(Error::Scope { .. })), "{scope:?}");
    }
}
