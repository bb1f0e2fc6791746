//! The signed-in person of a request.

use std::{future::Future, pin::Pin, sync::Arc};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::request::Parts;

use crate::context::RouteContext;

/// A future of the application.
pub(crate) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Names the signed-in person.
pub(crate) type Subject =
    Arc<dyn Fn(Parts) -> BoxFuture<Result<Option<String>, Response>> + Send + Sync>;

/// Names one of several accounts of a person.
pub(crate) type AccountNames = Arc<dyn Fn(&str, &str) -> Option<String> + Send + Sync>;

/// The person of a request; `None` if no one is signed in.
#[derive(Clone)]
pub(crate) struct Person(pub(crate) Option<String>);

/// Asks the application once who is signed in, and keeps the answer for the handler.
pub(crate) async fn resolve(
    State(context): State<Arc<RouteContext>>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    match (context.routes.subject)(parts.clone()).await {
        Ok(person) => {
            parts.extensions.insert(Person(person));
            next.run(Request::from_parts(parts, body)).await
        }
        Err(response) => response,
    }
}
