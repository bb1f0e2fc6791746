//! The provider's paths, lifetimes, tokens and routes.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{MethodRouter, get, post};
use http::request;

use super::{DIRECT, IOffice, LOGIN, ME, REVOKE, TOKEN, TOKENINFO, api, authorize, token};
use crate::faults::Endpoint;
use crate::ledger::Pair;
use crate::provider::{Context, Provider, TokenCall};
use crate::random;
use crate::world::{Lifetimes, World};

impl Provider for IOffice {
    fn brand(&self) -> &'static str {
        "iOFFICE"
    }

    fn lifetimes(&self) -> Lifetimes {
        Lifetimes {
            code: Duration::from_secs(300),
            access: Some(Duration::from_secs(3600)),
            refresh: None,
        }
    }

    fn path(&self, endpoint: Endpoint) -> Option<&'static str> {
        Some(match endpoint {
            Endpoint::Authorize => LOGIN,
            Endpoint::Token => TOKEN,
            Endpoint::Api => ME,
            Endpoint::Revoke => REVOKE,
            Endpoint::Introspect => TOKENINFO,
            Endpoint::DeviceAuthorization => return None,
        })
    }

    fn endpoint(&self, path: &str) -> Option<Endpoint> {
        match path {
            LOGIN | DIRECT => Some(Endpoint::Authorize),
            TOKEN => Some(Endpoint::Token),
            REVOKE => Some(Endpoint::Revoke),
            TOKENINFO => Some(Endpoint::Introspect),
            path if path.starts_with("/external/api/rest/") => Some(Endpoint::Api),
            _ => None,
        }
    }

    fn token_call(&self, head: &request::Parts, _body: &[u8]) -> TokenCall {
        let header = |name| {
            head.headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        TokenCall {
            grant_type: header("x-grant-type").unwrap_or_default(),
            refresh_token: header("x-refresh-token"),
        }
    }

    fn mint(&self) -> Pair {
        Pair::of(|| random::hex(20))
    }

    fn default_scope(&self) -> Option<String> {
        Some("email".into())
    }

    fn router(self: Arc<Self>, world: Arc<World>) -> Router {
        let revoke: MethodRouter<Context<Self>> = if self.options.revoke_by_post {
            post(api::revoke)
        } else {
            get(api::revoke)
        };
        Router::new()
            .route(LOGIN, get(authorize::login))
            .route(DIRECT, post(authorize::direct))
            .route(TOKEN, post(token::token))
            .route(REVOKE, revoke)
            .route(TOKENINFO, get(api::tokeninfo))
            .route(ME, get(api::me).post(api::me).put(api::me))
            .with_state(Context::new(self, world))
    }
}
