//! No output shows a secret, and random values are random.

use tokenkeeper_protocol::{
    AccessToken, AuthorizationCode, ClientAuthentication, ClientSecret, CodeVerifier, DeviceCode,
    Grant, ParameterPlace, Provider, RefreshToken, State, TokenSet,
};

use crate::support::*;

#[test]
fn no_debug_shows_a_secret() {
    let mut set = TokenSet::new("SECRET").with_refresh_token("SECRET");
    set.extra.insert("id_token".to_owned(), "SECRET".into());
    let client = dialect().with(registration().secret("SECRET")).unwrap();
    let printed = format!(
        "{:?} {:?} {:?} {:?} {:?} {:?} {set:?} {client:?}",
        AccessToken::new("SECRET"),
        RefreshToken::new("SECRET"),
        ClientSecret::new("SECRET"),
        AuthorizationCode::new("SECRET"),
        CodeVerifier::new("SECRET"),
        State::new("SECRET"),
    );
    assert!(!printed.contains("SECRET"), "{printed}");
    assert!(printed.contains("id_token"));
}

#[test]
fn no_debug_shows_what_may_hold_a_secret() {
    let redirect_uri = "https://app.example/cb?flow=SECRET";
    let (code, refresh_token) = (AuthorizationCode::new("c"), RefreshToken::new("r"));
    let mut set = TokenSet::new("a").with_scope("SECRET");
    set.token_type = Some("SECRET-0123456789-abcdefghij".to_owned());
    let grants = [
        Grant::AuthorizationCode {
            code: &code,
            redirect_uri,
            scope: None,
            code_verifier: None,
        },
        Grant::RefreshToken {
            refresh_token: &refresh_token,
            redirect_uri,
            scope: None,
        },
    ];
    let printed = format!("{set:?} {grants:?}");
    assert!(!printed.contains("SECRET"), "{printed}");
    assert!(printed.contains("https://app.example/cb"), "{printed}");
    set.token_type = Some("Bearer".to_owned());
    assert!(format!("{set:?}").contains("Bearer"));
}

#[test]
fn no_debug_of_a_request_shows_a_secret() {
    let (code, refresh_token) = (
        AuthorizationCode::new("SECRET-code"),
        RefreshToken::new("SECRET-token"),
    );
    let device_code = DeviceCode::new("SECRET-device");
    let poll = Grant::DeviceCode {
        device_code: &device_code,
    };
    let grants = [code_grant(&code), refresh_grant(&refresh_token), poll];
    let tokens = TokenSet::new("SECRET-at").with_refresh_token("SECRET-token");
    for placement in [ParameterPlace::Form, ParameterPlace::Json] {
        for authentication in [
            ClientAuthentication::Basic,
            ClientAuthentication::Parameters,
        ] {
            let mut dialect = dialect();
            dialect.token.placement = placement;
            dialect.token.client_authentication = authentication;
            let client = dialect.with(registration().secret("SECRET")).unwrap();
            let site = client.site(None).unwrap();
            let token_requests = grants
                .iter()
                .map(|grant| client.token_request(&site, grant));
            let mut requests: Vec<_> = token_requests.map(Result::unwrap).collect();
            requests.extend(client.revocation_requests(&site, &tokens).unwrap());
            let introspection = client.introspection_request(&site, &tokens.access_token);
            requests.extend(introspection.unwrap());
            assert_eq!(requests.len(), 6);
            for request in requests {
                let body = String::from_utf8_lossy(request.body()).into_owned();
                assert!(body.contains("SECRET"));
                let printed = format!("{request:?}");
                assert!(!printed.contains("SECRET"), "{printed}");
            }
        }
    }
}

#[test]
fn secrets_compare_by_value() {
    assert_eq!(State::new("a"), State::new("a"));
    assert_ne!(State::new("a"), State::new("b"));
    assert_ne!(State::new("a"), State::new("aa"));
    assert_ne!(State::new(""), State::new("a"));
}

#[test]
fn random_values_are_long_url_safe_and_different() {
    let (a, b) = (State::random(), State::random());
    assert_ne!(a, b);
    assert_eq!(a.expose().len(), 32);
    let verifier = CodeVerifier::random();
    assert_eq!(verifier.expose().len(), 43);
    let plain = |s: &str| {
        s.bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    assert!(plain(a.expose()) && plain(verifier.expose()));
}

#[test]
fn the_code_challenge_is_that_of_rfc_7636_appendix_b() {
    let verifier = CodeVerifier::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    assert_eq!(
        verifier.code_challenge(),
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    );
}

#[test]
fn parts_of_the_configuration_do_not_run_together() {
    let of = |id: &str, secret: &str| {
        let registration = tokenkeeper_protocol::Registration::new(id, CALLBACK).secret(secret);
        dialect().with(registration).unwrap().configuration_digest()
    };
    assert_ne!(of("a", "bc"), of("ab", "c"));
}

#[test]
fn the_configuration_changes_with_id_secret_and_endpoints() {
    let of = |client: tokenkeeper_protocol::Client| client.configuration_digest();
    let plain = of(client());
    assert_eq!(plain, of(client()));
    assert_ne!(
        plain,
        of(dialect().with(registration().secret("other")).unwrap())
    );
    assert_ne!(plain, of(client().base("https://other.example").unwrap()));
    let other_id = tokenkeeper_protocol::Registration::new("other", CALLBACK).secret("s3cr3t+/~");
    assert_ne!(plain, of(dialect().with(other_id).unwrap()));
    assert_ne!(
        plain,
        of(with(
            |d| d.token.endpoint = "/t".to_owned().try_into().unwrap()
        ))
    );
}
