//! The provider's paths, lifetimes, tokens and routes.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{AUTHORIZE, Amiqus, ME, STATUS, TOKEN, api, authorize, defuse, token};
use crate::faults::Endpoint;
use crate::ledger::Pair;
use crate::provider::{Context, Provider};
use crate::random;
use crate::world::{Lifetimes, World};

const YEAR: Duration = Duration::from_secs(31_536_000);

impl Provider for Amiqus {
    fn brand(&self) -> &'static str {
        "Amiqus"
    }

    fn lifetimes(&self) -> Lifetimes {
        Lifetimes {
            code: Duration::from_secs(600),
            access: Some(YEAR),
            refresh: Some(YEAR),
        }
    }

    fn path(&self, endpoint: Endpoint) -> Option<&'static str> {
        match endpoint {
            Endpoint::Authorize => Some(AUTHORIZE),
            Endpoint::Token => Some(TOKEN),
            Endpoint::Api => Some(ME),
            Endpoint::Revoke | Endpoint::Introspect | Endpoint::DeviceAuthorization => None,
        }
    }

    fn endpoint(&self, path: &str) -> Option<Endpoint> {
        match path {
            AUTHORIZE => Some(Endpoint::Authorize),
            TOKEN => Some(Endpoint::Token),
            path if path.starts_with("/api/") => Some(Endpoint::Api),
            _ => None,
        }
    }

    fn mint(&self) -> Pair {
        Pair {
            access: access_token(),
            refresh: defuse(355),
        }
    }

    fn router(self: Arc<Self>, world: Arc<World>) -> Router {
        Router::new()
            .route(AUTHORIZE, get(authorize::authorize))
            .route(TOKEN, post(token::token))
            .route(ME, get(api::me))
            .route(STATUS, get(api::status))
            .fallback(api::not_found)
            .with_state(Context::new(self, world))
    }
}

/// Makes an access token in the form of a JWT signed with RS256.
///
/// Its signature is random, because a client must not read it.
fn access_token() -> String {
    let claims = format!(
        r#"{{"aud":"1","jti":"{}","sub":"1","scopes":[]}}"#,
        random::hex(40)
    );
    let header = URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"RS256"}"#);
    format!(
        "{header}.{}.{}",
        URL_SAFE_NO_PAD.encode(claims),
        random::base64url(512)
    )
}
