use tokenkeeper_protocol::{
    AccessToken, Attachment, AuthorizationCode, AuthorizationRequest, Error, Grant, Provider,
    RefreshToken, Registration, State, TokenSet, Url,
};
use tokenkeeper_provider_qics_milestones::QicsMilestones;

use super::*;

fn authorization_url(provider: &QicsMilestones) -> String {
    let (site, state) = (provider.site(None).unwrap(), State::new("F"));
    let redirect_uri = provider.redirect_uri(&state);
    let request = AuthorizationRequest {
        state: &state,
        redirect_uri: &redirect_uri,
        scope: None,
        challenge: None,
        extra: &[],
    };
    provider.authorization_url(&site, &request).unwrap().into()
}

#[test]
fn q1_the_authorization_url_has_three_parameters_and_carries_the_flow_inside() {
    assert_eq!(
        authorization_url(&qics()),
        "https://qicsmilestones.qics.nl/api/oauth2/oauth2/auth?response_type=code&client_id=my-client\
         &redirect_uri=https%3A%2F%2Fapp.example%2Fcb%3Fflow%3DF"
    );
}

#[test]
fn a_top_level_state_is_added_by_option_only() {
    let provider = qics().top_level_state().unwrap().top_level_state().unwrap();
    assert_eq!(
        authorization_url(&provider),
        "https://qicsmilestones.qics.nl/api/oauth2/oauth2/auth?response_type=code&client_id=my-client\
         &redirect_uri=https%3A%2F%2Fapp.example%2Fcb%3Fflow%3DF&state=F"
    );
}

#[test]
fn the_code_exchange_sends_the_redirect_uri_as_authorized() {
    let provider = qics();
    let redirect_uri = provider.redirect_uri(&State::new("F"));
    let grant = Grant::Code {
        code: &AuthorizationCode::new("X"),
        redirect_uri: redirect_uri.as_str(),
        scope: None,
        verifier: None,
    };
    assert_eq!(
        show(
            &provider
                .token_request(&provider.site(None).unwrap(), &grant)
                .unwrap()
        ),
        "POST https://qicsmilestones.qics.nl/api/oauth2/oauth2/token\n\
         content-type: application/x-www-form-urlencoded\n\
         content-length: 132\n\n\
         grant_type=authorization_code&code=X&client_id=my-client&client_secret=s3cr3t\
         &redirect_uri=https%3A%2F%2Fapp.example%2Fcb%3Fflow%3DF"
    );
}

#[test]
fn the_refresh_has_neither_redirect_uri_nor_scope() {
    let provider = qics();
    let grant = Grant::Refresh {
        refresh_token: &RefreshToken::new("792c136bce02493fa6b28788ae3de7a2"),
        redirect_uri: CALLBACK,
        scope: Some("anything"),
    };
    assert_eq!(
        show(
            &provider
                .token_request(&provider.site(None).unwrap(), &grant)
                .unwrap()
        ),
        "POST https://qicsmilestones.qics.nl/api/oauth2/oauth2/token\n\
         content-type: application/x-www-form-urlencoded\n\
         content-length: 112\n\n\
         grant_type=refresh_token&refresh_token=792c136bce02493fa6b28788ae3de7a2&client_id=my-client&client_secret=s3cr3t"
    );
}

#[test]
fn the_token_is_attached_as_bearer_with_a_capital_b() {
    let token = AccessToken::new("90f4068dfb914dd5aa9d46b1d08b3ef1");
    let Attachment::Header { name, value } = qics().attach(&token).unwrap() else {
        panic!("a header")
    };
    assert_eq!(
        (name.as_str(), value.as_bytes()),
        (
            "authorization",
            &b"Bearer 90f4068dfb914dd5aa9d46b1d08b3ef1"[..]
        )
    );
    assert!(value.is_sensitive());
}

#[test]
fn there_is_nothing_to_revoke_or_to_introspect_with() {
    let provider = qics();
    let site = provider.site(None).unwrap();
    assert!(
        provider
            .revocation_requests(&site, &TokenSet::new("a"))
            .unwrap()
            .is_empty()
    );
    assert!(
        provider
            .introspection_request(&site, &AccessToken::new("a"))
            .unwrap()
            .is_none()
    );
}

#[test]
fn q14_a_redirect_uri_that_only_contains_the_registered_one_is_refused() {
    let provider = qics();
    let (site, state) = (provider.site(None).unwrap(), State::new("F"));
    for other in [
        "https://evil.test/?u=https://app.example/cb",
        "https://evil.test/#https://app.example/cb",
        "https://app.example/cb/../x",
        "https://app.example/cbx",
        "https://app.example:444/cb",
        "https://u@app.example/cb?flow=F",
        "https://app.example/cb?flow=F#x",
    ] {
        let redirect_uri = Url::parse(other).unwrap();
        let request = AuthorizationRequest {
            state: &state,
            redirect_uri: &redirect_uri,
            scope: None,
            challenge: None,
            extra: &[],
        };
        let refused = provider.authorization_url(&site, &request);
        assert!(matches!(refused, Err(Error::RedirectUri { .. })), "{other}");
    }
}

#[test]
fn extra_query_parameters_of_the_redirect_uri_are_allowed() {
    let registration = Registration::new("id", "https://app.example/cb?lang=nl")
        .unwrap()
        .secret("s");
    let provider = QicsMilestones::new(registration).unwrap();
    let own = provider.redirect_uri(&State::new("F"));
    assert_eq!(own.as_str(), "https://app.example/cb?lang=nl&flow=F");
    assert!(provider.client().check_redirect_uri(&own).is_ok());
    for short in [
        "https://app.example/cb?flow=F",
        "https://app.example/cb?lang=nlx",
    ] {
        assert!(
            provider
                .client()
                .check_redirect_uri(&Url::parse(short).unwrap())
                .is_err(),
            "{short}"
        );
    }
}

#[test]
fn a_registration_that_cannot_work_is_refused() {
    let bare = Registration::new("id", CALLBACK).unwrap();
    assert!(matches!(
        QicsMilestones::new(bare.clone()),
        Err(Error::SecretMissing { .. })
    ));
    assert!(matches!(
        QicsMilestones::new(bare.secret("s").scope("x")),
        Err(Error::Scope { .. })
    ));
    let taken = Registration::new("id", "https://app.example/cb?flow=1")
        .unwrap()
        .secret("s");
    assert!(matches!(
        QicsMilestones::new(taken),
        Err(Error::RedirectUri { .. })
    ));
}

#[test]
fn f3_a_base_is_https_unless_it_is_loopback() {
    assert!(matches!(
        qics().base("http://qics.example"),
        Err(Error::Origin { .. })
    ));
    let provider = qics().base("http://127.0.0.1:1234").unwrap();
    assert!(
        authorization_url(&provider).starts_with("http://127.0.0.1:1234/api/oauth2/oauth2/auth?")
    );
    let site = provider.site(None).unwrap();
    assert_eq!(provider.api_origins(&site), [site]);
}
