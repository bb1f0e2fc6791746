//! The emulated providers, each a second reading of its document.

pub(crate) mod amiqus;
pub(crate) mod ioffice;
pub(crate) mod milestones;
pub(crate) mod plain;
mod redeem;
mod refusal;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, Response, StatusCode, request};

use crate::answer;
use crate::faults::Endpoint;
use crate::ledger::Pair;
use crate::page;
use crate::params::Params;
use crate::registration::User;
use crate::world::{Approval, Lifetimes, World};

/// An emulated provider: its endpoints, its tokens, its defaults.
pub(crate) trait Provider: Send + Sync + 'static {
    /// Returns the name that its pages show.
    fn brand(&self) -> &'static str;

    /// Returns the default lifetimes.
    fn lifetimes(&self) -> Lifetimes {
        Lifetimes {
            code: Duration::from_secs(600),
            access: Some(Duration::from_secs(3600)),
            refresh: None,
        }
    }

    /// Returns the path of an endpoint, for [`Emulator::url`](crate::Emulator::url).
    fn path(&self, endpoint: Endpoint) -> Option<&str>;

    /// Returns the endpoint that a path belongs to.
    fn endpoint(&self, path: &str) -> Option<Endpoint> {
        endpoint_at(self, path)
    }

    /// Returns which server the API is at.
    fn api_server(&self) -> ApiServer<'_> {
        ApiServer::Shared
    }

    /// Reads what a token request asks for, as far as possible.
    fn token_call(&self, _head: &request::Parts, body: &[u8]) -> TokenCall {
        let params = Params::parse(body);
        TokenCall {
            grant_type: params.value("grant_type").unwrap_or_default().to_owned(),
            refresh_token: params.value("refresh_token").map(str::to_owned),
        }
    }

    /// Makes a new pair of tokens in the provider's form.
    fn mint(&self) -> Pair;

    /// Returns the scope of tokens that are issued without an authorization request.
    fn default_scope(&self) -> Option<String> {
        None
    }

    /// Builds the routes of its endpoints.
    fn router(self: Arc<Self>, world: Arc<World>) -> Router;
}

/// Returns the endpoint whose own path this is.
fn endpoint_at<P: Provider + ?Sized>(provider: &P, path: &str) -> Option<Endpoint> {
    use Endpoint::{Api, Authorize, DeviceAuthorization, Introspect, Revoke, Token};
    [
        Authorize,
        Token,
        Revoke,
        Introspect,
        DeviceAuthorization,
        Api,
    ]
    .into_iter()
    .find(|endpoint| provider.path(*endpoint) == Some(path))
}

/// The server that the API is at.
pub(crate) enum ApiServer<'a> {
    /// The one of the other endpoints.
    Shared,
    /// Its own, with this base URL, or that of the address it is bound to.
    Own(Option<&'a str>),
}

/// The part of a token request that the counters need.
pub(crate) struct TokenCall {
    pub(crate) grant_type: String,
    pub(crate) refresh_token: Option<String>,
}

/// The state of a provider's handlers.
pub(crate) struct Context<P> {
    pub(crate) provider: Arc<P>,
    pub(crate) world: Arc<World>,
}

impl<P> Context<P> {
    fn new(provider: Arc<P>, world: Arc<World>) -> Self {
        Self { provider, world }
    }
}

impl<P: Provider> Context<P> {
    /// Reads what the person at the authorization page decides, or renders the page.
    fn decide(&self, client_id: &str, params: &Params) -> Decision {
        let world = &self.world;
        match world.approval(params) {
            Approval::Pending => {
                let (brand, path) = (self.provider.brand(), Endpoint::Authorize);
                let path = self.provider.path(path).unwrap_or_default();
                let text = page::authorization(brand, path, client_id, params, &world.users);
                Decision::Page(answer::html(StatusCode::OK, text))
            }
            Approval::UnknownUser => {
                let text = page::error("No user has this login.");
                Decision::Page(answer::html(StatusCode::BAD_REQUEST, text))
            }
            Approval::Denied => Decision::Denied,
            Approval::Approved(user) => Decision::Approved(user),
        }
    }
}

/// The outcome of a request to the authorization page.
enum Decision {
    /// Nothing is decided: this page is shown.
    Page(Response<Body>),
    Denied,
    Approved(User),
}

impl<P> Clone for Context<P> {
    fn clone(&self) -> Self {
        Self {
            provider: Arc::clone(&self.provider),
            world: Arc::clone(&self.world),
        }
    }
}

/// Returns the token of `Authorization: Bearer …`, with the capital B that the documents print.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    value
        .to_str()
        .ok()?
        .strip_prefix("Bearer ")
        .filter(|token| !token.is_empty())
}

/// Returns whether the content type is that of a form.
pub(crate) fn is_form(headers: &HeaderMap) -> bool {
    has_type(headers, "application/x-www-form-urlencoded")
}

/// Returns whether the content type is this one, with any parameters.
pub(crate) fn has_type(headers: &HeaderMap, essence: &str) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|value| value.trim().eq_ignore_ascii_case(essence))
}
