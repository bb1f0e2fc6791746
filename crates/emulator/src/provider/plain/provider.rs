//! The provider's paths, lifetimes, tokens and routes.

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use http::request;

use super::request::{asked_grant_type, read_parameters};
use super::{Plain, api, authorize, device, resource, token};
use crate::faults::Endpoint;
use crate::ledger::Pair;
use crate::provider::{ApiServer, Context, Provider, TokenCall, endpoint_at};
use crate::random;
use crate::world::World;

impl Provider for Plain {
    fn brand(&self) -> &'static str {
        "Plain"
    }

    fn path(&self, endpoint: Endpoint) -> Option<&str> {
        Some(self.options.requests.path(endpoint))
    }

    fn endpoint(&self, path: &str) -> Option<Endpoint> {
        if self.options.requests.refresh_path.as_deref() == Some(path) {
            return Some(Endpoint::Token);
        }
        endpoint_at(self, path)
    }

    fn api_server(&self) -> ApiServer<'_> {
        let api = &self.options.api;
        if api.is_elsewhere() {
            ApiServer::Own(api.base())
        } else {
            ApiServer::Shared
        }
    }

    fn token_call(&self, head: &request::Parts, body: &[u8]) -> TokenCall {
        let requests = &self.options.requests;
        let params = read_parameters(requests, head, body).unwrap_or_default();
        let params = params.standardized(&requests.names);
        TokenCall {
            grant_type: asked_grant_type(requests, head, &params).to_owned(),
            refresh_token: params.value("refresh_token").map(str::to_owned),
        }
    }

    fn mint(&self) -> Pair {
        Pair::of(|| random::base64url(32))
    }

    fn router(self: Arc<Self>, world: Arc<World>) -> Router {
        let requests = &self.options.requests;
        let path = |endpoint| requests.path(endpoint);
        let me = resource::me;
        let mut router = Router::new()
            .route(path(Endpoint::Authorize), get(authorize::authorize))
            .route(path(Endpoint::Token), post(token::token))
            .route(path(Endpoint::Revoke), post(api::revoke))
            .route(path(Endpoint::Introspect), post(api::introspect))
            .route(path(Endpoint::DeviceAuthorization), post(device::authorize))
            .route(device::VERIFICATION, get(device::show).post(device::decide))
            .route(path(Endpoint::Api), get(me).post(me).put(me));
        if let Some(refresh) = &requests.refresh_path {
            router = router.route(refresh, post(token::token));
        }
        router.with_state(Context::new(Arc::clone(&self), world))
    }
}
