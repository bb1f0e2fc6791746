//! `Arc` and `Box` forward every method: a provider that overrides all of them is the same behind both.

use std::{sync::Arc, time::SystemTime};

use tokenkeeper_protocol::{
    AccessToken, Attachment, AuthorizationRequest, Callback, Class, Client, Error,
    ExpectedRedirect, Grant, GrantKind, Origin, Provider, Redirect, RedirectError, Refusal, State,
    TokenSet, Url, Verdict,
    bytes::Bytes,
    http::{HeaderMap, Request, Response, StatusCode},
};

use crate::support::*;

#[derive(Debug)]
struct Overrides(Client);

fn marked() -> Error {
    Error::ClientId {
        problem: "overridden",
    }
}

impl Provider for Overrides {
    fn client(&self) -> &Client {
        &self.0
    }
    fn brand(&self) -> &str {
        "overridden"
    }
    fn configuration(&self) -> [u8; 32] {
        [7; 32]
    }
    fn site(&self, _: Option<&str>) -> Result<Origin, Error> {
        Err(marked())
    }
    fn api_origins(&self, _: &Origin) -> Vec<Origin> {
        Vec::new()
    }
    fn authorization_url(&self, _: &Origin, _: &AuthorizationRequest<'_>) -> Result<Url, Error> {
        Err(marked())
    }
    fn redirect_uri(&self, _: &State) -> Url {
        Url::parse("https://overridden.example/").unwrap()
    }
    fn read_redirect(
        &self,
        _: &Redirect,
        _: &ExpectedRedirect<'_>,
    ) -> Result<Callback, RedirectError> {
        Err(RedirectError::Malformed)
    }
    fn token_request(&self, _: &Origin, _: &Grant<'_>) -> Result<Request<Bytes>, Error> {
        Err(marked())
    }
    fn read_token_response(
        &self,
        _: GrantKind,
        _: &Response<Bytes>,
        _: SystemTime,
    ) -> Result<TokenSet, Refusal> {
        Err(Refusal {
            class: Class::Terminal,
            status: None,
            code: None,
        })
    }
    fn revocation_requests(&self, _: &Origin, _: &TokenSet) -> Result<Vec<Request<Bytes>>, Error> {
        Err(marked())
    }
    fn introspection_request(
        &self,
        _: &Origin,
        _: &AccessToken,
    ) -> Result<Option<Request<Bytes>>, Error> {
        Err(marked())
    }
    fn attach(&self, _: &AccessToken) -> Result<Attachment, Error> {
        Err(marked())
    }
    fn read_resource(&self, _: StatusCode, _: &HeaderMap) -> Verdict {
        Verdict::Rejected
    }
}

fn check(provider: &dyn Provider) {
    let site = Origin::parse("https://a.example").unwrap();
    let request = AuthorizationRequest {
        state: &state(),
        redirect_uri: &callback(),
        scope: None,
        challenge: None,
        extra: &[],
    };
    let (redirect, answer) = (
        Redirect::query(""),
        response(200, &[], r#"{"access_token":"a"}"#),
    );
    let is_marked = |error: Option<Error>| {
        matches!(
            error,
            Some(Error::ClientId {
                problem: "overridden"
            })
        )
    };

    assert_eq!(provider.client().registration().client_id(), "client 1");
    assert_eq!(provider.brand(), "overridden");
    assert_eq!(provider.configuration(), [7; 32]);
    assert!(is_marked(provider.site(None).err()));
    assert!(provider.api_origins(&site).is_empty());
    assert!(is_marked(provider.authorization_url(&site, &request).err()));
    assert_eq!(
        provider.redirect_uri(&state()).as_str(),
        "https://overridden.example/"
    );
    assert_eq!(
        provider.read_redirect(&redirect, &ExpectedRedirect { state: &state() }),
        Err(RedirectError::Malformed)
    );
    assert!(is_marked(
        provider.token_request(&site, &code_grant(&code())).err()
    ));
    assert!(
        provider
            .read_token_response(GrantKind::Code, &answer, sent_at())
            .is_err()
    );
    assert!(is_marked(
        provider
            .revocation_requests(&site, &TokenSet::new("a"))
            .err()
    ));
    assert!(is_marked(
        provider.introspection_request(&site, &access_token()).err()
    ));
    assert!(is_marked(provider.attach(&access_token()).err()));
    assert_eq!(
        provider.read_resource(StatusCode::OK, &HeaderMap::new()),
        Verdict::Rejected
    );
}

#[test]
fn every_method_is_forwarded() {
    check(&Overrides(client()));
    check(&Arc::new(Overrides(client())));
    check(&Box::new(Overrides(client())));
    check(&(Arc::new(Overrides(client())) as Arc<dyn Provider>));
    check(&Box::new(Arc::new(Overrides(client())) as Arc<dyn Provider>));
}
