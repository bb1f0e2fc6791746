//! FortesMilestones is QicsMilestones under another brand: the same bytes, other keys.

use tokenkeeper_protocol::{
    AccessToken, Attachment, AuthorizationCode, AuthorizationRequest, Error, ExpectedRedirect,
    Grant, Provider, Redirect, RefreshToken, Registration, State, TokenSet, bytes::Bytes,
    http::Request,
};
use tokenkeeper_provider_fortes_milestones::{FortesMilestones, dialect};
use tokenkeeper_provider_qics_milestones as qics;

const CALLBACK: &str = "https://app.example/cb";

fn registration() -> Registration {
    Registration::new("my-client", CALLBACK)
        .expect("a registration")
        .secret("s3cr3t")
}

fn fortes() -> FortesMilestones {
    FortesMilestones::new(registration()).expect("a provider")
}

mod conforms {
    tokenkeeper_protocol::conformance!(super::fortes);
}

fn show(request: &Request<Bytes>) -> String {
    let mut text = format!("{} {}\n", request.method(), request.uri());
    for (name, value) in request.headers() {
        text.push_str(&format!("{name}: {}\n", value.to_str().expect("text")));
    }
    text + "\n" + std::str::from_utf8(request.body()).expect("text")
}

#[test]
fn the_dialect_is_that_of_qics_but_for_the_brand() {
    let mut own = dialect().unwrap();
    assert_eq!(own.brand, "fortes-milestones");
    own.brand = "qics-milestones".to_owned();
    assert_eq!(own, qics::dialect().unwrap());
}

#[test]
fn f4_the_same_client_id_is_another_key() {
    let (fortes, qics) = (fortes(), qics::QicsMilestones::new(registration()).unwrap());
    assert_ne!(fortes.brand(), qics.brand());
    assert_eq!(fortes.site(None).unwrap(), qics.site(None).unwrap());
}

#[test]
fn the_authorization_url_is_golden() {
    let provider = fortes();
    let (site, state) = (provider.site(None).unwrap(), State::new("F"));
    let redirect_uri = provider.redirect_uri(&state);
    let request = AuthorizationRequest {
        state: &state,
        redirect_uri: &redirect_uri,
        scope: None,
        challenge: None,
        extra: &[],
    };
    assert_eq!(
        provider
            .authorization_url(&site, &request)
            .unwrap()
            .as_str(),
        "https://qicsmilestones.qics.nl/api/oauth2/oauth2/auth?response_type=code&client_id=my-client\
         &redirect_uri=https%3A%2F%2Fapp.example%2Fcb%3Fflow%3DF"
    );
}

#[test]
fn the_token_requests_are_golden() {
    let provider = fortes();
    let site = provider.site(None).unwrap();
    let code = AuthorizationCode::new("X");
    let grant = Grant::Code {
        code: &code,
        redirect_uri: "https://app.example/cb?flow=F",
        scope: None,
        verifier: None,
    };
    assert_eq!(
        show(&provider.token_request(&site, &grant).unwrap()),
        "POST https://qicsmilestones.qics.nl/api/oauth2/oauth2/token\n\
         content-type: application/x-www-form-urlencoded\n\
         content-length: 132\n\n\
         grant_type=authorization_code&code=X&client_id=my-client&client_secret=s3cr3t\
         &redirect_uri=https%3A%2F%2Fapp.example%2Fcb%3Fflow%3DF"
    );
    let refresh_token = RefreshToken::new("f9284bc0c8184f91be0769c4cce89b33");
    let grant = Grant::Refresh {
        refresh_token: &refresh_token,
        redirect_uri: CALLBACK,
        scope: None,
    };
    assert_eq!(
        show(&provider.token_request(&site, &grant).unwrap()),
        "POST https://qicsmilestones.qics.nl/api/oauth2/oauth2/token\n\
         content-type: application/x-www-form-urlencoded\n\
         content-length: 112\n\n\
         grant_type=refresh_token&refresh_token=f9284bc0c8184f91be0769c4cce89b33&client_id=my-client&client_secret=s3cr3t"
    );
}

#[test]
fn the_token_is_attached_as_bearer_and_nothing_revokes_it() {
    let provider = fortes();
    let attached = provider.attach(&AccessToken::new("d8a8a3aa")).unwrap();
    assert!(matches!(attached, Attachment::Header { value, .. } if value == "Bearer d8a8a3aa"));
    let site = provider.site(None).unwrap();
    assert!(
        provider
            .revocation_requests(&site, &TokenSet::new("a"))
            .unwrap()
            .is_empty()
    );
}

#[test]
fn f3_the_base_is_configuration_and_https_unless_loopback() {
    assert!(matches!(
        fortes().base("http://fortes.example"),
        Err(Error::Origin { .. })
    ));
    let provider = fortes().base("https://milestones.fortes.example").unwrap();
    assert_eq!(
        provider.site(None).unwrap().as_str(),
        "https://milestones.fortes.example"
    );
}

#[test]
fn a_top_level_state_is_an_option_and_a_secret_is_none() {
    let provider = fortes().top_level_state().unwrap();
    let state = State::new("F");
    let expected = ExpectedRedirect { state: &state };
    assert!(
        provider
            .read_redirect(&Redirect::query("flow=F&code=X"), &expected)
            .is_ok()
    );
    assert!(
        provider
            .read_redirect(&Redirect::query("flow=F&state=G&code=X"), &expected)
            .is_err()
    );
    let bare = Registration::new("id", CALLBACK).unwrap();
    assert!(matches!(
        FortesMilestones::new(bare),
        Err(Error::SecretMissing { .. })
    ));
}
