//! The route that disconnects an account.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Path, Request, State},
    response::Response,
};
use http::request::Parts;
use tokenkeeper_engine::Error;

use crate::{
    context::RouteContext,
    failure::{Failure, Task},
    form, page,
};

pub(crate) async fn disconnect(
    State(context): State<Arc<RouteContext>>,
    Path(brand): Path<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    match end(&context, &brand, &parts, body).await {
        Ok(path) => page::see_other(&path),
        Err(failure) => {
            failure.log(&brand);
            context.failure_page(&parts, &brand, Task::Disconnect, &failure)
        }
    }
}

/// Disconnects the account, and returns the path to redirect to.
async fn end(
    context: &RouteContext,
    brand: &str,
    parts: &Parts,
    body: Body,
) -> Result<String, Failure> {
    let (account, fields) = form::account(context, brand, parts, body).await?;
    match account.disconnect().await {
        // The account is already disconnected, as asked.
        Ok(()) | Err(Error::NotConnected { .. } | Error::Disconnected { .. }) => {}
        Err(error) => return Err(context.log(brand, &error).with(fields)),
    }
    if let Some(hook) = &context.routes.after_disconnect {
        hook(account).await;
    }
    let next = fields.next;
    Ok(next.unwrap_or_else(|| context.routes.disconnected.clone()))
}
