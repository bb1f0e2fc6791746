//! Rule: a wrapper forwards every method.

use std::{sync::Arc, time::SystemTime};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use url::Url;

use super::{
    subject::sent_at,
    violation::{Violation, ensure},
};
use crate::{
    access_token::AccessToken,
    api_origin::ApiOrigin,
    attachment::Attachment,
    authorization::AuthorizationRequest,
    client::Client,
    device_authorization::{
        DeviceAuthorization, DeviceAuthorizationError, DeviceAuthorizationRequest,
    },
    dialect::Dialect,
    error::Error,
    grant::{Grant, GrantType},
    introspection::{Introspection, IntrospectionError},
    login_data::LoginData,
    origin::Origin,
    provider::Provider,
    redirect::{AuthorizationResponse, ExpectedRedirect, Redirect, RedirectError},
    redirect_uri::RedirectUri,
    refusal::{Class, Refusal},
    registration::Registration,
    request_body::RequestBody,
    resource::Verdict,
    revocation_response::RevocationOutcome,
    secret::{RefreshToken, State},
    token_set::TokenSet,
};

/// A wrapper forwards each method to the provider that `wrap` received.
///
/// All methods but one have defaults, so a wrapper that omits one compiles, and silently loses the
/// provider's override.
///
/// ```
/// use std::sync::Arc;
/// use tokenkeeper_protocol::conformance::forwards_every_method;
///
/// forwards_every_method(|provider| Arc::new(provider)).unwrap();
/// ```
pub fn forwards_every_method(
    wrap: impl FnOnce(Arc<dyn Provider>) -> Arc<dyn Provider>,
) -> Result<(), Violation> {
    let registration = Registration::new("forwarded", ELSEWHERE);
    let client = Dialect::rfc6749("forwarded", "https://forwarded.example")?;
    let client = client.with(registration.secret("secret"))?;
    let (site, state, token) = (
        Origin::parse("https://a.example")?,
        State::new("s"),
        AccessToken::new("a"),
    );
    let wrapped = wrap(Arc::new(Probe(client)));
    let redirect_uri = wrapped.redirect_uri(&state);
    let request = AuthorizationRequest {
        state: &state,
        redirect_uri: &redirect_uri,
        scope: None,
        code_challenge: None,
        extra: &[],
    };
    let grant = Grant::RefreshToken {
        refresh_token: &RefreshToken::new("r"),
        redirect_uri: ELSEWHERE,
        scope: None,
    };
    let device = DeviceAuthorizationRequest::default();
    let answer = Response::new(Bytes::from_static(b"{\"access_token\":\"a\"}"));
    let redirect = Redirect::query("code=c&state=s");
    let read = wrapped.read_redirect(&redirect, &ExpectedRedirect { state: &state });
    let tokens = wrapped.read_token_response(GrantType::AuthorizationCode, &answer, sent_at());
    let reached = [
        (
            "client",
            wrapped.client().registration().client_id() == "forwarded",
        ),
        ("brand", wrapped.brand() == "probe"),
        (
            "configuration_digest",
            wrapped.configuration_digest() == [7; 32],
        ),
        ("site", is_probes(wrapped.site(None))),
        (
            "api_origins",
            wrapped.api_origins(&site, &LoginData::default()).is_empty(),
        ),
        (
            "authorization_url",
            is_probes(wrapped.authorization_url(&site, &request)),
        ),
        (
            "redirect_uri",
            redirect_uri.as_str() == "https://probe.example/",
        ),
        ("read_redirect", read == Err(RedirectError::Malformed)),
        (
            "device_authorization_request",
            is_probes(wrapped.device_authorization_request(&site, &device)),
        ),
        (
            "read_device_authorization_response",
            wrapped.read_device_authorization_response(&answer, sent_at())
                == Err(DeviceAuthorizationError::Unavailable { retry_after: None }),
        ),
        (
            "token_request",
            is_probes(wrapped.token_request(&site, &grant)),
        ),
        ("read_token_response", tokens.is_err()),
        (
            "revocation_requests",
            is_probes(wrapped.revocation_requests(&site, &TokenSet::new("a"))),
        ),
        (
            "read_revocation_response",
            wrapped.read_revocation_response(&answer)
                == RevocationOutcome::Unavailable { retry_after: None },
        ),
        (
            "introspection_request",
            is_probes(wrapped.introspection_request(&site, &token)),
        ),
        (
            "read_introspection_response",
            wrapped.read_introspection_response(&answer, sent_at())
                == Err(IntrospectionError::Unavailable { retry_after: None }),
        ),
        ("attach", is_probes(wrapped.attach(&token, None))),
        (
            "read_resource_response",
            wrapped.read_resource_response(StatusCode::OK, &HeaderMap::new()) == Verdict::Rejected,
        ),
    ];
    for (method, reached) in reached {
        ensure!(reached, "`{method}` was not forwarded");
    }
    Ok(())
}

const ELSEWHERE: &str = "https://app.example/forwarded";

/// A provider whose methods return what no default returns.
#[derive(Debug)]
struct Probe(Client);

fn of_probe() -> Error {
    Error::ClientId {
        problem: "is the probe's",
    }
}

fn is_probes<T>(result: Result<T, Error>) -> bool {
    matches!(
        result,
        Err(Error::ClientId {
            problem: "is the probe's"
        })
    )
}

impl Provider for Probe {
    fn client(&self) -> &Client {
        &self.0
    }
    fn brand(&self) -> &str {
        "probe"
    }
    fn configuration_digest(&self) -> [u8; 32] {
        [7; 32]
    }
    fn site(&self, _: Option<&str>) -> Result<Origin, Error> {
        Err(of_probe())
    }
    fn api_origins(&self, _: &Origin, _: &LoginData) -> Vec<ApiOrigin> {
        Vec::new()
    }
    fn authorization_url(&self, _: &Origin, _: &AuthorizationRequest<'_>) -> Result<Url, Error> {
        Err(of_probe())
    }
    fn redirect_uri(&self, _: &State) -> RedirectUri {
        RedirectUri::new("https://probe.example/")
    }
    fn read_redirect(
        &self,
        _: &Redirect,
        _: &ExpectedRedirect<'_>,
    ) -> Result<AuthorizationResponse, RedirectError> {
        Err(RedirectError::Malformed)
    }
    fn device_authorization_request(
        &self,
        _: &Origin,
        _: &DeviceAuthorizationRequest<'_>,
    ) -> Result<Option<Request<RequestBody>>, Error> {
        Err(of_probe())
    }
    fn read_device_authorization_response(
        &self,
        _: &Response<Bytes>,
        _: SystemTime,
    ) -> Result<DeviceAuthorization, DeviceAuthorizationError> {
        Err(DeviceAuthorizationError::Unavailable { retry_after: None })
    }
    fn token_request(&self, _: &Origin, _: &Grant<'_>) -> Result<Request<RequestBody>, Error> {
        Err(of_probe())
    }
    fn read_token_response(
        &self,
        _: GrantType,
        _: &Response<Bytes>,
        _: SystemTime,
    ) -> Result<TokenSet, Refusal> {
        Err(Refusal::new(Class::Terminal))
    }
    fn revocation_requests(
        &self,
        _: &Origin,
        _: &TokenSet,
    ) -> Result<Vec<Request<RequestBody>>, Error> {
        Err(of_probe())
    }
    fn read_revocation_response(&self, _: &Response<Bytes>) -> RevocationOutcome {
        RevocationOutcome::Unavailable { retry_after: None }
    }
    fn introspection_request(
        &self,
        _: &Origin,
        _: &AccessToken,
    ) -> Result<Option<Request<RequestBody>>, Error> {
        Err(of_probe())
    }
    fn read_introspection_response(
        &self,
        _: &Response<Bytes>,
        _: SystemTime,
    ) -> Result<Introspection, IntrospectionError> {
        Err(IntrospectionError::Unavailable { retry_after: None })
    }
    fn attach(&self, _: &AccessToken, _: Option<&str>) -> Result<Attachment, Error> {
        Err(of_probe())
    }
    fn read_resource_response(&self, _: StatusCode, _: &HeaderMap) -> Verdict {
        Verdict::Rejected
    }
}
