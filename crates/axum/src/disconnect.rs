//! The route that disconnects an account.

use std::sync::Arc;

use axum::{
    extract::{Path, Request, State},
    response::Response,
};
use tokenkeeper_engine::Error;

use crate::{context::RouteContext, failure::Failure, form, page};

pub(crate) async fn disconnect(
    State(context): State<Arc<RouteContext>>,
    Path(brand): Path<String>,
    request: Request,
) -> Response {
    match end(&context, &brand, request).await {
        Ok(()) => page::see_other(&context.disconnected),
        Err(failure) => {
            failure.log(&brand);
            page::failure(&failure)
        }
    }
}

async fn end(context: &RouteContext, brand: &str, request: Request) -> Result<(), Failure> {
    let (parts, body) = request.into_parts();
    let account = form::account(context, brand, &parts, body).await?;
    match account.disconnect().await {
        // The account is already disconnected, as asked.
        Ok(()) | Err(Error::NotConnected { .. } | Error::Disconnected { .. }) => Ok(()),
        Err(error) => Err(context.log(brand, &error)),
    }
}
