use tokenkeeper_protocol::{
    AccessToken, Attachment, AuthorizationCode, AuthorizationRequest, CodeVerifier, Error,
    ExpectedRedirect, Grant, Provider, Redirect, RedirectError, RefreshToken, Registration, State,
    TokenSet, Url,
};
use tokenkeeper_provider_amiqus::Amiqus;

use super::*;

fn authorization_url(provider: &Amiqus, challenge: Option<&str>) -> Result<Url, Error> {
    let (site, state) = (provider.site(None).unwrap(), State::new("st"));
    let redirect_uri = provider.redirect_uri(&state);
    let request = AuthorizationRequest {
        state: &state,
        redirect_uri: &redirect_uri,
        scope: None,
        challenge,
        extra: &[],
    };
    provider.authorization_url(&site, &request)
}

fn token_request(grant: &Grant<'_>) -> String {
    let provider = amiqus();
    show(
        &provider
            .token_request(&provider.site(None).unwrap(), grant)
            .unwrap(),
    )
}

#[test]
fn the_authorization_url_is_in_the_documents_order() {
    assert_eq!(
        authorization_url(&amiqus(), None).unwrap().as_str(),
        "https://id.amiqus.co/oauth/authorize?client_id=my-client&redirect_uri=https%3A%2F%2Fapp.example%2Fcb\
         &response_type=code&state=st"
    );
}

#[test]
fn pkce_is_an_option() {
    assert!(matches!(
        authorization_url(&amiqus(), Some("ch")),
        Err(Error::Pkce { .. })
    ));
    let provider = amiqus().pkce().unwrap();
    assert!(matches!(
        authorization_url(&provider, None),
        Err(Error::Pkce { .. })
    ));
    let url = authorization_url(&provider, Some("ch")).unwrap();
    assert!(
        url.as_str()
            .ends_with("&state=st&code_challenge=ch&code_challenge_method=S256")
    );
    let (code, verifier) = (AuthorizationCode::new("c"), CodeVerifier::new("ver"));
    let grant = Grant::Code {
        code: &code,
        redirect_uri: CALLBACK,
        scope: None,
        verifier: Some(&verifier),
    };
    let request = provider
        .token_request(&provider.site(None).unwrap(), &grant)
        .unwrap();
    assert!(
        request
            .body()
            .ends_with(b"&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&code_verifier=ver")
    );
}

#[test]
fn the_code_exchange_is_that_of_the_document() {
    let code = AuthorizationCode::new("def50200aa");
    let grant = Grant::Code {
        code: &code,
        redirect_uri: CALLBACK,
        scope: None,
        verifier: None,
    };
    assert_eq!(
        token_request(&grant),
        "POST https://id.amiqus.co/oauth/token\n\
         content-type: application/x-www-form-urlencoded\n\
         content-length: 130\n\n\
         grant_type=authorization_code&client_id=my-client&client_secret=s3cr3t&code=def50200aa\
         &redirect_uri=https%3A%2F%2Fapp.example%2Fcb"
    );
}

#[test]
fn a10_the_refresh_has_a_refresh_token_and_no_code() {
    let refresh_token = RefreshToken::new("def50201bb");
    let grant = Grant::Refresh {
        refresh_token: &refresh_token,
        redirect_uri: CALLBACK,
        scope: Some("none"),
    };
    assert_eq!(
        token_request(&grant),
        "POST https://id.amiqus.co/oauth/token\n\
         content-type: application/x-www-form-urlencoded\n\
         content-length: 134\n\n\
         grant_type=refresh_token&client_id=my-client&client_secret=s3cr3t&refresh_token=def50201bb\
         &redirect_uri=https%3A%2F%2Fapp.example%2Fcb"
    );
}

#[test]
fn the_token_is_attached_as_bearer_and_nothing_revokes_it() {
    let provider = amiqus();
    let attached = provider.attach(&AccessToken::new("eyJ0.e.x")).unwrap();
    assert!(
        matches!(attached, Attachment::Header { name, value } if name == "authorization" && value == "Bearer eyJ0.e.x")
    );
    let site = provider.site(None).unwrap();
    assert!(
        provider
            .revocation_requests(&site, &TokenSet::new("a").with_refresh_token("r"))
            .unwrap()
            .is_empty()
    );
    assert!(
        provider
            .introspection_request(&site, &AccessToken::new("a"))
            .unwrap()
            .is_none()
    );
    assert_eq!(provider.api_origins(&site), [site]);
}

#[test]
fn a4_a_denial_is_a_denial_with_an_empty_state_too() {
    let state = State::new("st");
    for query in [
        "error=access_denied&state=",
        "error=access_denied&state=st",
        "error=access_denied",
    ] {
        let read =
            amiqus().read_redirect(&Redirect::query(query), &ExpectedRedirect { state: &state });
        assert!(matches!(read, Err(RedirectError::Denied { .. })), "{query}");
    }
}

#[test]
fn a5_a_code_and_an_error_together_are_refused() {
    let redirect = Redirect::query("code=c&error=access_denied&state=st");
    let read = amiqus().read_redirect(
        &redirect,
        &ExpectedRedirect {
            state: &State::new("st"),
        },
    );
    assert_eq!(read, Err(RedirectError::CodeAndError));
}

#[test]
fn a_code_needs_its_state() {
    let state = State::new("st");
    for query in [
        "code=c",
        "code=c&state=",
        "code=c&state=other",
        "code=c&state=st&state=st",
    ] {
        let read =
            amiqus().read_redirect(&Redirect::query(query), &ExpectedRedirect { state: &state });
        assert_eq!(read, Err(RedirectError::StateMismatch), "{query}");
    }
}

#[test]
fn a_registration_that_cannot_work_is_refused() {
    let bare = Registration::new("id", CALLBACK).unwrap();
    assert!(matches!(
        Amiqus::new(bare.clone()),
        Err(Error::SecretMissing { .. })
    ));
    assert!(matches!(
        Amiqus::new(bare.secret("s").scope("x")),
        Err(Error::Scope { .. })
    ));
    assert!(matches!(
        amiqus().base("http://id.amiqus.co"),
        Err(Error::Origin { .. })
    ));
    assert_eq!(
        amiqus()
            .base("http://127.0.0.1:1")
            .unwrap()
            .site(None)
            .unwrap()
            .as_str(),
        "http://127.0.0.1:1"
    );
}
