//! The provider's paths, lifetimes, tokens and routes.

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use super::{AUTHORIZE, Milestones, PROJECTS, TOKEN, api, authorize, token};
use crate::faults::Endpoint;
use crate::ledger::Pair;
use crate::provider::{Context, Provider};
use crate::random;
use crate::world::World;

impl Provider for Milestones {
    fn brand(&self) -> &'static str {
        self.brand
    }

    fn path(&self, endpoint: Endpoint) -> Option<&'static str> {
        match endpoint {
            Endpoint::Authorize => Some(AUTHORIZE),
            Endpoint::Token => Some(TOKEN),
            Endpoint::Api => Some(PROJECTS),
            Endpoint::Revoke | Endpoint::Introspect | Endpoint::DeviceAuthorization => None,
        }
    }

    fn mint(&self) -> Pair {
        Pair::of(|| random::hex(16))
    }

    fn router(self: Arc<Self>, world: Arc<World>) -> Router {
        Router::new()
            .route(AUTHORIZE, get(authorize::authorize))
            .route(TOKEN, post(token::token))
            .route(PROJECTS, get(api::projects).post(api::projects))
            .with_state(Context::new(self, world))
    }
}
