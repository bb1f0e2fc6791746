//! On whose behalf a request runs.

use axum::{extract::Request, middleware::Next, response::Response};
use tokenkeeper_engine::Actor;

/// Runs a request on behalf of the [`Actor`] in its extensions, if the application put one there.
pub(crate) async fn run_as_actor(request: Request, next: Next) -> Response {
    match request.extensions().get::<Actor>().cloned() {
        Some(actor) => actor.scope(next.run(request)).await,
        None => next.run(request).await,
    }
}
