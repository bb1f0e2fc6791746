//! The end of a connection.

use std::sync::Arc;

use axum::{
    extract::{Path, Request, State},
    response::Response,
};
use tokenkeeper_engine::Error;

use crate::{context::RouteContext, failure::Failure, page, wanted};

pub(crate) async fn disconnect(
    State(context): State<Arc<RouteContext>>,
    Path(brand): Path<String>,
    request: Request,
) -> Response {
    match end(&context, &brand, request).await {
        Ok(()) => page::see_other(&context.disconnected),
        Err(failure) => page::failure(&failure),
    }
}

async fn end(context: &RouteContext, brand: &str, request: Request) -> Result<(), Failure> {
    let (parts, body) = request.into_parts();
    let account = wanted::account(context, brand, &parts, body).await?;
    match account.disconnect().await {
        // What was asked for is so.
        Ok(()) | Err(Error::NotConnected { .. } | Error::Disconnected { .. }) => Ok(()),
        Err(error) => Err(context.log(brand, &error)),
    }
}
