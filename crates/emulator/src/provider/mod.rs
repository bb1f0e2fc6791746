//! The providers, each a second reading of its document.

pub(crate) mod amiqus;
pub(crate) mod ioffice;
pub(crate) mod milestones;
pub(crate) mod plain;

use std::sync::Arc;

use axum::Router;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, request};

use crate::faults::Endpoint;
use crate::ledger::Pair;
use crate::params::Params;
use crate::world::{Lifetimes, World};

/// What a provider's emulation is made of.
pub(crate) trait Provider: Send + Sync + 'static {
    /// The name that its pages show.
    fn brand(&self) -> &'static str;

    /// Lifetimes unless the user says otherwise.
    fn lifetimes(&self) -> Lifetimes;

    /// The path of an endpoint, for [`Emulator::url`](crate::Emulator::url).
    fn path(&self, endpoint: Endpoint) -> Option<&'static str>;

    /// Which endpoint a path belongs to.
    fn endpoint(&self, path: &str) -> Option<Endpoint> {
        use Endpoint::{Api, Authorize, Introspect, Revoke, Token};
        [Authorize, Token, Revoke, Introspect, Api]
            .into_iter()
            .find(|endpoint| self.path(*endpoint) == Some(path))
    }

    /// What a token request asks for, as far as it can be read.
    fn token_call(&self, _head: &request::Parts, body: &[u8]) -> TokenCall {
        let params = Params::parse(body);
        TokenCall {
            grant_type: params.value("grant_type").unwrap_or_default().to_owned(),
            refresh_token: params.value("refresh_token").map(str::to_owned),
        }
    }

    /// A fresh pair of tokens, in the provider's manner.
    fn mint(&self) -> Pair;

    /// The scope of tokens that were issued without an authorization request.
    fn default_scope(&self) -> Option<String> {
        None
    }

    fn router(self: Arc<Self>, world: Arc<World>) -> Router;
}

/// What a token request asks for.
pub(crate) struct TokenCall {
    pub(crate) grant_type: String,
    pub(crate) refresh_token: Option<String>,
}

/// What a provider's handlers get.
pub(crate) struct Context<P> {
    pub(crate) provider: Arc<P>,
    pub(crate) world: Arc<World>,
}

impl<P> Clone for Context<P> {
    fn clone(&self) -> Self {
        Self {
            provider: Arc::clone(&self.provider),
            world: Arc::clone(&self.world),
        }
    }
}

/// The token of `Authorization: Bearer …`, with the capital B that the documents print.
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

/// Whether the body is declared to be a form.
pub(crate) fn is_form(headers: &HeaderMap) -> bool {
    has_type(headers, "application/x-www-form-urlencoded")
}

/// Whether the body is declared to be of this type, whatever its parameters.
pub(crate) fn has_type(headers: &HeaderMap, essence: &str) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|value| value.trim().eq_ignore_ascii_case(essence))
}
