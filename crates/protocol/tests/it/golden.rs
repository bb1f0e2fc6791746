//! The exact bytes of a plain RFC 6749 dialect.

use tokenkeeper_protocol::{
    AuthorizationRequest, ClientAuthentication, CodeVerifier, Dialect, Grant, Origin, Provider,
    Registration, TokenSet, TokenValue,
};

use crate::support::*;

#[test]
fn the_authorization_url_is_that_of_the_rfc() {
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
        "https://login.example/authorize?response_type=code&client_id=client+1&redirect_uri=https%3A%2F%2Fapp.example%2Fcb\
         &scope=a+b&state=st-1&code_challenge=ch&code_challenge_method=S256&prompt=consent"
    );
}

#[test]
fn the_code_exchange_is_that_of_the_rfc() {
    let client = client();
    let site = client.site(None).unwrap();
    let grant = Grant::AuthorizationCode {
        code: &code(),
        redirect_uri: CALLBACK,
        scope: None,
        code_verifier: Some(&CodeVerifier::new("ver")),
    };
    let request = client.token_request(&site, &grant).unwrap();
    assert_eq!(
        show(&request),
        "POST https://login.example/token\n\
         content-type: application/x-www-form-urlencoded\n\
         authorization: Basic Y2xpZW50KzE6czNjcjN0JTJCJTJGJUMzJUE5\n\
         content-length: 106\n\n\
         grant_type=authorization_code&code=c%2F1%2B2&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&code_verifier=ver"
    );
    assert!(request.headers()["authorization"].is_sensitive());
}

#[test]
fn the_refresh_is_that_of_the_rfc() {
    let client = client();
    let site = client.site(None).unwrap();
    let request = client
        .token_request(&site, &refresh_grant(&refresh_token()))
        .unwrap();
    assert_eq!(
        show(&request),
        "POST https://login.example/token\n\
         content-type: application/x-www-form-urlencoded\n\
         authorization: Basic Y2xpZW50KzE6czNjcjN0JTJCJTJGJUMzJUE5\n\
         content-length: 45\n\n\
         grant_type=refresh_token&refresh_token=rt%261"
    );
}

#[test]
fn the_grants_own_scope_comes_before_the_registrations_and_the_dialects() {
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
        client
            .token_request(&client.site(None).unwrap(), &grant)
            .unwrap()
            .into_body()
    };
    let registered = registration().scope("registered");
    assert_eq!(
        body(registered.clone(), Some("own")),
        "refresh_token=rt%261&scope=own"
    );
    assert_eq!(
        body(registered, None),
        "refresh_token=rt%261&scope=registered"
    );
    assert_eq!(
        body(registration(), None),
        "refresh_token=rt%261&scope=dialect"
    );
}

#[test]
fn a_public_client_sends_its_id_and_no_secret() {
    let mut dialect = dialect();
    dialect.token.client_authentication = ClientAuthentication::None;
    let client = dialect.with(Registration::new("pub", CALLBACK)).unwrap();
    let site = client.site(None).unwrap();
    let request = client
        .token_request(&site, &refresh_grant(&refresh_token()))
        .unwrap();
    assert_eq!(
        show(&request),
        "POST https://login.example/token\n\
         content-type: application/x-www-form-urlencoded\n\
         content-length: 59\n\n\
         grant_type=refresh_token&refresh_token=rt%261&client_id=pub"
    );
}

#[test]
fn revocation_and_introspection_are_those_of_the_rfcs() {
    let client = client();
    let site = client.site(None).unwrap();
    let tokens = TokenSet::new("at.1").with_refresh_token("rt&1");
    let requests = client.revocation_requests(&site, &tokens).unwrap();
    let head = "content-type: application/x-www-form-urlencoded\n\
                authorization: Basic Y2xpZW50KzE6czNjcjN0JTJCJTJGJUMzJUE5\n";
    assert_eq!(
        requests.iter().map(show).collect::<Vec<_>>(),
        [
            format!(
                "POST https://login.example/revoke\n{head}content-length: 42\n\ntoken=rt%261&token_type_hint=refresh_token"
            ),
            format!(
                "POST https://login.example/revoke\n{head}content-length: 39\n\ntoken=at.1&token_type_hint=access_token"
            ),
        ]
    );
    let request = client
        .introspection_request(&site, &access_token())
        .unwrap()
        .unwrap();
    assert_eq!(
        show(&request),
        format!(
            "POST https://login.example/introspect\n{head}content-length: 39\n\ntoken=at.1&token_type_hint=access_token"
        )
    );
}

#[test]
fn a_token_set_without_refresh_token_is_revoked_by_one_request() {
    let client = client();
    let site = client.site(None).unwrap();
    let requests = client
        .revocation_requests(&site, &TokenSet::new("at"))
        .unwrap();
    assert_eq!(requests.len(), 1);
}

#[test]
fn github_asks_for_json_and_sends_the_secret_in_the_body() {
    let client = Dialect::github()
        .with(Registration::new("id", CALLBACK).secret("s"))
        .unwrap();
    let site = client.site(None).unwrap();
    assert_eq!(
        show(&client.token_request(&site, &code_grant(&code())).unwrap()),
        "POST https://github.com/login/oauth/access_token\n\
         content-type: application/x-www-form-urlencoded\n\
         accept: application/json\n\
         content-length: 117\n\n\
         grant_type=authorization_code&code=c%2F1%2B2&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&client_id=id&client_secret=s"
    );
    let origins = client.api_origins(&site);
    assert_eq!(
        origins.iter().map(Origin::as_str).collect::<Vec<_>>(),
        ["https://github.com", "https://api.github.com"]
    );
}
