//! QicsMilestones and FortesMilestones: one engine, two names.

mod api;
mod authorize;
mod error;
mod options;
mod token;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};

pub use options::{ErrorFormat, MilestonesOptions, RedirectRule};

use super::{Context, Provider};
use crate::faults::Endpoint;
use crate::ledger::Pair;
use crate::random;
use crate::world::{Lifetimes, World};

/// The doubled `oauth2` is the document's.
const AUTHORIZE: &str = "/api/oauth2/oauth2/auth";
const TOKEN: &str = "/api/oauth2/oauth2/token";
/// The emulator's own invention: the documents name no resource.
const PROJECTS: &str = "/api/projects";

#[derive(Debug)]
pub(crate) struct Milestones {
    brand: &'static str,
    options: MilestonesOptions,
}

impl Milestones {
    pub(crate) fn qics(options: MilestonesOptions) -> Self {
        Self {
            brand: "QicsMilestones",
            options,
        }
    }

    pub(crate) fn fortes(options: MilestonesOptions) -> Self {
        Self {
            brand: "FortesMilestones",
            options,
        }
    }
}

impl Provider for Milestones {
    fn brand(&self) -> &'static str {
        self.brand
    }

    fn lifetimes(&self) -> Lifetimes {
        Lifetimes {
            code: Duration::from_secs(600),
            access: Some(Duration::from_secs(3600)),
            refresh: None,
        }
    }

    fn path(&self, endpoint: Endpoint) -> Option<&'static str> {
        match endpoint {
            Endpoint::Authorize => Some(AUTHORIZE),
            Endpoint::Token => Some(TOKEN),
            Endpoint::Api => Some(PROJECTS),
            Endpoint::Revoke | Endpoint::Introspect => None,
        }
    }

    fn mint(&self) -> Pair {
        Pair {
            access: random::hex(16),
            refresh: random::hex(16),
        }
    }

    fn router(self: Arc<Self>, world: Arc<World>) -> Router {
        Router::new()
            .route(AUTHORIZE, get(authorize::authorize))
            .route(TOKEN, post(token::token))
            .route(PROJECTS, get(api::projects).post(api::projects))
            .with_state(Context {
                provider: self,
                world,
            })
    }
}
