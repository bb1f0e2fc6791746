//! The provider under test, and the values of the tests.

use std::{sync::Arc, time::SystemTime};

use bytes::Bytes;
use form_urlencoded::byte_serialize;
use http::{Request, Response, StatusCode, header::RETRY_AFTER};

use super::violation::Violation;
use crate::{
    access_token::AccessToken,
    device_authorization::DeviceAuthorizationRequest,
    dialect::{Pkce, ResponseMode},
    error::Error,
    grant::{Grant, GrantType},
    origin::Origin,
    provider::Provider,
    redirect::{AuthorizationResponse, ExpectedRedirect, Redirect, RedirectError},
    refusal::Refusal,
    request_body::RequestBody,
    secret::{AuthorizationCode, ClientSecret, CodeVerifier, DeviceCode, RefreshToken, State},
    token_set::TokenSet,
};

// Characters that no encoding changes, so that the texts are found in any place.
pub(super) const CODE: &str = "the-code-5Yw1tB";
pub(super) const VERIFIER: &str = "the-verifier-3nVq8Zk2Lp6Rt0Xs4Uw7Yd1Gh5Jm9Bc";
pub(super) const ACCESS: &str = "the-access-token-2Mn7";
pub(super) const REFRESH: &str = "the-refresh-token-8Kq3";

/// A provider under test and, if each tenant has its own site, one of the sites.
#[derive(Clone, Debug)]
pub struct Subject {
    provider: Arc<dyn Provider>,
    site: Option<String>,
}

impl Subject {
    /// Tests a provider with a fixed base.
    pub fn new(provider: impl Provider) -> Self {
        let provider = Arc::new(provider);
        Self {
            provider,
            site: None,
        }
    }

    /// Tests it at a tenant's site, which the provider's policy must allow.
    #[must_use]
    pub fn at(mut self, site: impl Into<String>) -> Self {
        self.site = Some(site.into());
        self
    }

    /// Returns the provider.
    #[must_use]
    pub fn provider(&self) -> &Arc<dyn Provider> {
        &self.provider
    }

    pub(super) fn site(&self) -> Result<Origin, Violation> {
        Ok(self.provider.site(self.site.as_deref())?)
    }

    pub(super) fn uses_pkce(&self) -> bool {
        self.provider.client().dialect().authorization.pkce == Pkce::S256
    }

    pub(super) fn registered(&self) -> &str {
        self.provider.client().registration().redirect_uri()
    }

    /// Reads a redirect with these parameters, in a flow with this state.
    ///
    /// # Errors
    /// [`RedirectError`], as the provider reads it.
    pub fn read_redirect(
        &self,
        state: &str,
        parameters: &str,
    ) -> Result<AuthorizationResponse, RedirectError> {
        let redirect = match self.provider.client().dialect().authorization.response_mode {
            ResponseMode::Query => Redirect::query(parameters),
            ResponseMode::Fragment => Redirect::fragment(parameters),
            ResponseMode::FormPost => Redirect::form_post(parameters),
        };
        let state = &State::new(state);
        self.provider
            .read_redirect(&redirect, &ExpectedRedirect { state })
    }

    /// Reads a response of the token endpoint to a request sent at [`sent_at`].
    ///
    /// # Errors
    /// [`Refusal`], as the provider reads it.
    pub fn read_token_response(
        &self,
        grant_type: GrantType,
        status: u16,
        body: &str,
    ) -> Result<TokenSet, Refusal> {
        let response = response(status, body);
        self.provider
            .read_token_response(grant_type, &response, sent_at())
    }

    pub(super) fn exchange(&self, code: &str) -> Result<Request<RequestBody>, Error> {
        self.exchange_at(code, self.registered())
    }

    pub(super) fn exchange_at(
        &self,
        code: &str,
        redirect_uri: &str,
    ) -> Result<Request<RequestBody>, Error> {
        let (code, verifier) = (AuthorizationCode::new(code), CodeVerifier::new(VERIFIER));
        let grant = Grant::AuthorizationCode {
            code: &code,
            redirect_uri,
            scope: None,
            code_verifier: self.uses_pkce().then_some(&verifier),
        };
        let site = self.provider.site(self.site.as_deref())?;
        self.provider.token_request(&site, &grant)
    }

    pub(super) fn refresh(&self, token: &str) -> Result<Request<RequestBody>, Error> {
        let grant = Grant::RefreshToken {
            refresh_token: &RefreshToken::new(token),
            redirect_uri: self.registered(),
            scope: None,
        };
        let site = self.provider.site(self.site.as_deref())?;
        self.provider.token_request(&site, &grant)
    }

    /// Returns the device authorization request and a poll; neither if the provider has no login
    /// by device code.
    pub(super) fn device(&self, device_code: &str) -> Result<Vec<Request<RequestBody>>, Error> {
        let site = self.provider.site(self.site.as_deref())?;
        let request = DeviceAuthorizationRequest::default();
        let request = self
            .provider
            .device_authorization_request(&site, &request)?;
        let grant = Grant::DeviceCode {
            device_code: &DeviceCode::new(device_code),
        };
        Ok(match request {
            Some(request) => vec![request, self.provider.token_request(&site, &grant)?],
            None => Vec::new(),
        })
    }

    pub(super) fn revocations(&self) -> Result<Vec<Request<RequestBody>>, Violation> {
        let tokens = TokenSet::new(ACCESS).with_refresh_token(REFRESH);
        Ok(self.provider.revocation_requests(&self.site()?, &tokens)?)
    }

    /// Returns every request that the provider builds.
    pub(super) fn requests(&self) -> Result<Vec<Request<RequestBody>>, Violation> {
        let mut requests = vec![self.exchange(CODE)?, self.refresh(REFRESH)?];
        requests.extend(self.device(CODE)?);
        requests.extend(self.revocations()?);
        let token = AccessToken::new(ACCESS);
        requests.extend(self.provider.introspection_request(&self.site()?, &token)?);
        Ok(requests)
    }

    /// Returns every secret of these requests, plain and form-encoded.
    pub(super) fn secrets(&self) -> Vec<String> {
        let mut secrets = [CODE, VERIFIER, ACCESS, REFRESH]
            .map(str::to_owned)
            .to_vec();
        secrets.extend(self.client_secret());
        secrets
    }

    pub(super) fn client_secret(&self) -> Vec<String> {
        let secret = self.provider.client().registration().client_secret();
        let texts = secret.map(ClientSecret::expose).map(|secret| {
            let in_form: String = byte_serialize(secret.as_bytes()).collect();
            [secret.to_owned(), in_form]
        });
        texts.into_iter().flatten().collect()
    }
}

impl<P: Provider> From<P> for Subject {
    fn from(provider: P) -> Self {
        Self::new(provider)
    }
}

/// Returns whether the request holds `text` in its URI, a header or its body.
pub(super) fn holds(request: &Request<RequestBody>, text: &str) -> bool {
    let within = |bytes: &[u8]| {
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    within(request.uri().to_string().as_bytes())
        || within(request.body())
        || request
            .headers()
            .values()
            .any(|value| within(value.as_bytes()))
}

/// Makes a response of the provider; a 503 has `Retry-After`.
pub(super) fn response(status: u16, body: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::copy_from_slice(body.as_bytes()));
    *response.status_mut() = StatusCode::from_u16(status).expect("the suite's statuses are valid");
    if status == 503 {
        response.headers_mut().insert(RETRY_AFTER, 5.into());
    }
    response
}

/// The time at which the suite's token requests are sent.
pub fn sent_at() -> SystemTime {
    SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_800_000_000)
}
