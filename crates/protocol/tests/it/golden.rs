//! The exact bytes of a plain RFC 6749 dialect.

use tokenkeeper_protocol::{
    AuthorizationRequest, Client, ClientAuthentication, CodeVerifier, DeviceAuthorizationRequest,
    DeviceCode, Grant, Provider, Registration, TokenSet, TokenValue, bytes::Bytes,
};

use crate::support::*;

/// The headers of a form with the credentials of `registration()`.
const FORM_WITH_BASIC: &str = "content-type: application/x-www-form-urlencoded\n\
                               accept: application/json\n\
                               authorization: Basic Y2xpZW50KzE6czNjcjN0JTJCJTJGJTdF\n";

fn token_request(client: &Client, grant: &Grant<'_>) -> String {
    let site = client.site(None).unwrap();
    show(&client.token_request(&site, grant).unwrap())
}

#[test]
fn the_authorization_url_follows_the_rfc() {
    let client = client();
    let site = client.site(None).unwrap();
    let request = AuthorizationRequest {
        state: &state(),
        redirect_uri: &callback(),
        scope: Some("a b"),
        code_challenge: Some("ch"),
        extra: &[("prompt", "consent")],
    };
    assert_eq!(
        client.authorization_url(&site, &request).unwrap().as_str(),
        "https://login.example/authorize?response_type=code&client_id=client+1\
         &redirect_uri=https%3A%2F%2Fapp.example%2Fcb&scope=a+b&state=st-1\
         &code_challenge=ch&code_challenge_method=S256&prompt=consent"
    );
}

#[test]
fn the_code_exchange_follows_the_rfc() {
    let client = client();
    let grant = Grant::AuthorizationCode {
        code: &code(),
        redirect_uri: CALLBACK,
        scope: None,
        code_verifier: Some(&CodeVerifier::new("ver")),
    };
    assert_eq!(
        token_request(&client, &grant),
        format!(
            "POST https://login.example/token\n{FORM_WITH_BASIC}content-length: 106\n\n\
             grant_type=authorization_code&code=c%2F1%2B2\
             &redirect_uri=https%3A%2F%2Fapp.example%2Fcb&code_verifier=ver"
        )
    );
    let site = client.site(None).unwrap();
    let request = client.token_request(&site, &grant).unwrap();
    assert!(request.headers()["authorization"].is_sensitive());
}

#[test]
fn the_refresh_follows_the_rfc() {
    assert_eq!(
        token_request(&client(), &refresh_grant(&refresh_token())),
        format!(
            "POST https://login.example/token\n{FORM_WITH_BASIC}content-length: 45\n\n\
             grant_type=refresh_token&refresh_token=rt%261"
        )
    );
}

#[test]
fn the_scope_is_the_grants_then_registrations_then_dialects() {
    let mut dialect = dialect();
    dialect.authorization.scope = Some("dialect".to_owned());
    dialect.token.refresh = vec![TokenValue::RefreshToken.into(), TokenValue::Scope.into()];
    let body = |registration: Registration, scope| {
        let client = dialect.clone().with(registration).unwrap();
        let grant = Grant::RefreshToken {
            refresh_token: &refresh_token(),
            redirect_uri: CALLBACK,
            scope,
        };
        let site = client.site(None).unwrap();
        let request = client.token_request(&site, &grant).unwrap();
        String::from_utf8(request.body().to_vec()).unwrap()
    };
    let registered = registration().scope("registered");
    for (registration, scope, sent) in [
        (registered.clone(), Some("grant"), "grant"),
        (registered, None, "registered"),
        (registration(), None, "dialect"),
    ] {
        let expected = format!("refresh_token=rt%261&scope={sent}");
        assert_eq!(body(registration, scope), expected);
    }
}

#[test]
fn a_public_client_sends_its_id_and_no_secret() {
    let mut dialect = dialect();
    dialect.token.client_authentication = ClientAuthentication::None;
    let client = dialect.with(Registration::new("pub", CALLBACK)).unwrap();
    assert_eq!(
        token_request(&client, &refresh_grant(&refresh_token())),
        "POST https://login.example/token\n\
         content-type: application/x-www-form-urlencoded\n\
         accept: application/json\n\
         content-length: 59\n\n\
         grant_type=refresh_token&refresh_token=rt%261&client_id=pub"
    );
}

#[test]
fn a_login_by_device_code_follows_rfc_8628() {
    let client = with(|dialect| dialect.authorization.scope = Some("a b".to_owned()));
    let site = client.site(None).unwrap();
    let request = client.device_authorization_request(&site, &Default::default());
    assert_eq!(
        show(&request.unwrap().unwrap()),
        format!(
            "POST https://login.example/device_authorization\n{FORM_WITH_BASIC}\
             content-length: 9\n\nscope=a+b"
        )
    );
    let device_code = DeviceCode::new("dc/1");
    let grant = Grant::DeviceCode {
        device_code: &device_code,
    };
    assert_eq!(
        token_request(&client, &grant),
        format!(
            "POST https://login.example/token\n{FORM_WITH_BASIC}content-length: 84\n\n\
             grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=dc%2F1"
        )
    );
}

#[test]
fn a_public_client_is_named_in_both_requests_of_a_device() {
    let mut dialect = dialect();
    dialect.token.client_authentication = ClientAuthentication::None;
    dialect.token.code = ["code", "app_id: client_id"]
        .map(|text| text.to_owned().try_into().unwrap())
        .to_vec();
    dialect.device.as_mut().unwrap().fixed =
        [("audience".to_owned(), "a".to_owned().try_into().unwrap())].into();
    let client = dialect.with(Registration::new("pub", CALLBACK)).unwrap();
    let site = client.site(None).unwrap();
    let sent = |extra: &[(&str, &str)]| {
        let request = DeviceAuthorizationRequest {
            scope: Some("s"),
            extra,
        };
        let request = client.device_authorization_request(&site, &request);
        request.map(|request| Bytes::from(request.unwrap().into_body()))
    };
    assert_eq!(sent(&[]).unwrap(), "app_id=pub&scope=s&audience=a");
    let replaced = sent(&[("audience", "b")]).unwrap();
    assert_eq!(replaced, "app_id=pub&scope=s&audience=b");
    for taken in ["client_id", "client_secret", "scope", "app_id"] {
        let refused = sent(&[(taken, "x")]).unwrap_err().to_string();
        assert!(refused.contains(taken), "{refused}");
    }
    let device_code = DeviceCode::new("dc");
    let grant = Grant::DeviceCode {
        device_code: &device_code,
    };
    let poll = client.token_request(&site, &grant).unwrap().into_body();
    assert!(poll.ends_with(b"device_code=dc&app_id=pub"), "{poll:?}");
}

#[test]
fn revocation_and_introspection_follow_the_rfcs() {
    let client = client();
    let site = client.site(None).unwrap();
    let expected = |path: &str, length: usize, body: &str| {
        let line = format!("POST https://login.example{path}");
        format!("{line}\n{FORM_WITH_BASIC}content-length: {length}\n\n{body}")
    };
    let refresh_token_form = "token=rt%261&token_type_hint=refresh_token";
    let access_token_form = "token=at.1&token_type_hint=access_token";
    let tokens = TokenSet::new("at.1").with_refresh_token("rt&1");
    let requests = client.revocation_requests(&site, &tokens).unwrap();
    assert_eq!(
        requests.iter().map(show).collect::<Vec<_>>(),
        [
            expected("/revoke", 42, refresh_token_form),
            expected("/revoke", 39, access_token_form),
        ]
    );
    let request = client.introspection_request(&site, &access_token());
    assert_eq!(
        show(&request.unwrap().unwrap()),
        expected("/introspect", 39, access_token_form)
    );
}

#[test]
fn the_token_of_a_revocation_has_other_places() {
    let sent = |place: &str, authentication| {
        let client = with(|dialect| {
            dialect.token.client_authentication = authentication;
            dialect.token.refresh = match authentication {
                ClientAuthentication::Basic => Vec::new(),
                _ => [
                    "refresh_token",
                    "client_key: client_id",
                    "secret: client_secret",
                ]
                .map(|text| text.to_owned().try_into().unwrap())
                .to_vec(),
            };
            let revocation = dialect.revocation.as_mut().unwrap();
            revocation.token = serde_json::from_str(place).unwrap();
        });
        let site = client.site(None).unwrap();
        let requests = client.revocation_requests(&site, &TokenSet::new("at.1"));
        show(&requests.unwrap()[0])
    };
    let basic = "authorization: Basic Y2xpZW50KzE6czNjcjN0JTJCJTJGJTdF\n";
    for (place, authentication, expected) in [
        (
            r#"{"json":"token"}"#,
            ClientAuthentication::Basic,
            format!(
                "POST https://login.example/revoke\ncontent-type: application/json\n\
                 accept: application/json\n{basic}content-length: 16\n\n\
                 {{\"token\":\"at.1\"}}"
            ),
        ),
        (
            r#"{"json":"token"}"#,
            ClientAuthentication::Parameters,
            "POST https://login.example/revoke\ncontent-type: application/json\n\
             accept: application/json\ncontent-length: 61\n\n\
             {\"token\":\"at.1\",\"client_key\":\"client 1\",\"secret\":\"s3cr3t+/~\"}"
                .to_owned(),
        ),
        (
            r#"{"form":"token"}"#,
            ClientAuthentication::Parameters,
            "POST https://login.example/revoke\n\
             content-type: application/x-www-form-urlencoded\naccept: application/json\n\
             content-length: 82\n\n\
             token=at.1&token_type_hint=access_token&client_key=client+1\
             &secret=s3cr3t%2B%2F%7E"
                .to_owned(),
        ),
        (
            r#""bearer""#,
            ClientAuthentication::Basic,
            "POST https://login.example/revoke\nauthorization: Bearer at.1\n\
             content-length: 0\n\n"
                .to_owned(),
        ),
    ] {
        assert_eq!(sent(place, authentication), expected, "{place}");
    }
}

#[test]
fn a_token_set_without_refresh_token_is_revoked_by_one_request() {
    let client = client();
    let site = client.site(None).unwrap();
    let requests = client.revocation_requests(&site, &TokenSet::new("at"));
    assert_eq!(requests.unwrap().len(), 1);
}
