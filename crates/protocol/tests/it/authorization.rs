//! Authorization requests that are refused before a user is redirected.

use tokenkeeper_protocol::{
    AuthorizationRequest, Dialect, Error, Pkce, Provider, RedirectRule, RedirectUri, Registration,
    ResponseMode, StateEcho, StatePlace,
};

use crate::support::*;

fn request<'a>(
    redirect_uri: &'a RedirectUri,
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
        let other_uri = RedirectUri::new(other);
        let refused = client.authorization_url(&site, &request(&other_uri, &state));
        assert!(matches!(refused, Err(Error::RedirectUri { .. })), "{other}");
    }
}

#[test]
fn q14_only_extra_query_may_differ() {
    let registration = Registration::new("id", "https://app.example/cb?a=1").secret("s");
    let mut dialect = dialect();
    dialect.authorization.redirect_rule = RedirectRule::ExtraQuery;
    let client = dialect.with(registration).unwrap();
    let check = |uri: &str| client.check_redirect_uri(&RedirectUri::new(uri)).is_ok();
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
fn on_a_loopback_address_the_port_may_differ() {
    let taken = |registered: &str, sent: &str| {
        let client = dialect()
            .with(Registration::new("id", registered).secret("s"))
            .unwrap();
        client.check_redirect_uri(&RedirectUri::new(sent)).is_ok()
    };
    for (registered, sent) in [
        ("http://127.0.0.1/cb", "http://127.0.0.1:49152/cb"),
        ("http://127.0.0.1:8080/cb", "http://127.0.0.1:49152/cb"),
        ("http://127.0.0.1:8080/cb", "http://127.0.0.1/cb"),
        ("http://[::1]", "http://[::1]:49152"),
        ("http://127.0.0.1?a=1", "http://127.0.0.1:49152?a=1"),
    ] {
        assert!(taken(registered, sent), "{registered} {sent}");
    }
    for (registered, sent) in [
        ("http://127.0.0.1/cb", "http://127.0.0.1:49152/other"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:49152/cb?a=1"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:49152/cb#f"),
        ("http://127.0.0.1/cb", "http://127.0.0.2:49152/cb"),
        ("http://127.0.0.1/cb", "https://127.0.0.1:49152/cb"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:1@evil.test/cb"),
        ("http://127.0.0.1/cb", "http://127.0.0.1.evil.test:1/cb"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:99999/cb"),
        ("http://localhost/cb", "http://localhost:49152/cb"),
        ("https://127.0.0.1/cb", "https://127.0.0.1:49152/cb"),
        ("https://app.example/cb", "https://app.example:8443/cb"),
        ("com.example.app://cb", "com.example.app://cb:1"),
    ] {
        assert!(!taken(registered, sent), "{registered} {sent}");
    }
}

#[test]
fn the_port_of_localhost_differs_by_choice_only() {
    let registration = Registration::new("id", "http://localhost/cb").secret("s");
    let other = RedirectUri::new("http://localhost:49152/cb");
    let strict = dialect().with(registration.clone()).unwrap();
    let refused = strict.check_redirect_uri(&other).unwrap_err().to_string();
    assert!(refused.contains("if the registration says so"), "{refused}");
    let client = dialect().with(registration.any_localhost_port()).unwrap();
    assert!(client.check_redirect_uri(&other).is_ok());
    let elsewhere = RedirectUri::new("http://localhost.evil.test:1/cb");
    assert!(client.check_redirect_uri(&elsewhere).is_err());
}

#[test]
fn another_port_changes_nothing_else() {
    for (registered, other) in [
        ("http://127.0.0.1/cb", "http://127.0.0.1:7/cb"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:7"),
        ("http://[::1]:8080/?a=b:c", "http://[::1]:7/?a=b:c"),
        ("http://localhost?a=/", "http://localhost:7?a=/"),
    ] {
        let changed = RedirectUri::new(registered).with_port(7).unwrap();
        assert_eq!(changed.as_str(), other);
    }
    assert!(
        RedirectUri::new("com.example.app:/cb")
            .with_port(7)
            .is_err()
    );
    assert!(
        RedirectUri::new("http://127.0.0.1/cb")
            .with_port(0)
            .is_err()
    );
}

#[test]
fn the_debug_form_of_a_redirect_uri_has_no_state() {
    let carried = with(|d| {
        d.authorization.state = StatePlace::RedirectUri("flow".to_owned());
        d.authorization.redirect_rule = RedirectRule::ExtraQuery;
    });
    let redirect_uri = carried.redirect_uri(&state());
    assert!(redirect_uri.as_str().contains("st-1"));
    assert_eq!(
        format!("{redirect_uri:?}"),
        "RedirectUri(https://app.example/cb)"
    );
}

#[test]
fn form_post_is_asked_for() {
    let client = with(|d| d.authorization.response_mode = ResponseMode::FormPost);
    let (state, callback, site) = (state(), callback(), client.site(None).unwrap());
    let request = AuthorizationRequest {
        code_challenge: Some("ch"),
        ..request(&callback, &state)
    };
    assert_eq!(
        client.authorization_url(&site, &request).unwrap().as_str(),
        "https://login.example/authorize?response_type=code&client_id=client+1\
         &redirect_uri=https%3A%2F%2Fapp.example%2Fcb&state=st-1&response_mode=form_post\
         &code_challenge=ch&code_challenge_method=S256"
    );
    let asked_elsewhere = AuthorizationRequest {
        extra: &[("response_mode", "query")],
        ..request
    };
    let refused = client.authorization_url(&site, &asked_elsewhere);
    assert!(matches!(refused, Err(Error::ExtraParameter { .. })));
}

#[test]
fn form_post_without_a_certain_state_is_refused() {
    for change in [
        |d: &mut Dialect| d.authorization.state_echo = StateEcho::Unknown,
        |d: &mut Dialect| d.authorization.state_echo = StateEcho::Never,
        |d: &mut Dialect| {
            d.authorization.state = StatePlace::RedirectUri("flow".to_owned());
            d.authorization.redirect_rule = RedirectRule::ExtraQuery;
        },
    ] {
        let refused = client().adjust(|d| {
            d.authorization.response_mode = ResponseMode::FormPost;
            change(d);
        });
        let refused = refused.unwrap_err().to_string();
        assert!(
            refused.contains("`authorization.response_mode`"),
            "{refused}"
        );
    }
}

#[test]
fn an_extra_parameter_replaces_no_other() {
    let client = with(|d| d.authorization.pkce = Pkce::Off);
    let (state, callback, site) = (state(), callback(), client.site(None).unwrap());
    for name in [
        "state",
        "redirect_uri",
        "client_id",
        "code_challenge",
        "response_mode",
    ] {
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
