//! The provider's paths, lifetimes, tokens and routes.

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use super::{AUTHORIZE, INTROSPECT, ME, Plain, REVOKE, TOKEN, api, authorize, token};
use crate::faults::Endpoint;
use crate::ledger::Pair;
use crate::provider::{Context, Provider};
use crate::random;
use crate::world::World;

impl Provider for Plain {
    fn brand(&self) -> &'static str {
        "Plain"
    }

    fn path(&self, endpoint: Endpoint) -> Option<&'static str> {
        Some(match endpoint {
            Endpoint::Authorize => AUTHORIZE,
            Endpoint::Token => TOKEN,
            Endpoint::Api => ME,
            Endpoint::Revoke => REVOKE,
            Endpoint::Introspect => INTROSPECT,
        })
    }

    fn mint(&self) -> Pair {
        Pair::of(|| random::base64url(32))
    }

    fn router(self: Arc<Self>, world: Arc<World>) -> Router {
        Router::new()
            .route(AUTHORIZE, get(authorize::authorize))
            .route(TOKEN, post(token::token))
            .route(REVOKE, post(api::revoke))
            .route(INTROSPECT, post(api::introspect))
            .route(ME, get(api::me).post(api::me).put(api::me))
            .with_state(Context::new(self, world))
    }
}
