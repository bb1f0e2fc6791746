//! The end of a connection.

use std::sync::Arc;

use axum::{
    extract::{Path, Request, State},
    response::Response,
};
use tokenkeeper_session::Error;

use crate::{failure::Failure, page, routes::Inner, wanted};

pub(crate) async fn disconnect(
    State(inner): State<Arc<Inner>>,
    Path(brand): Path<String>,
    request: Request,
) -> Response {
    match end(&inner, &brand, request).await {
        Ok(()) => page::see_other(&inner.disconnected),
        Err(failure) => page::failure(&failure),
    }
}

async fn end(inner: &Inner, brand: &str, request: Request) -> Result<(), Failure> {
    let (parts, body) = request.into_parts();
    let account = wanted::account(inner, brand, &parts, body).await?;
    match account.disconnect().await {
        // What was asked for is so.
        Ok(()) | Err(Error::NotConnected { .. } | Error::Disconnected { .. }) => Ok(()),
        Err(error) => Err(inner.log(brand, &error)),
    }
}
