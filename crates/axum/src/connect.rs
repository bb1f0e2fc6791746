//! The start of a login.

use std::sync::Arc;

use axum::{
    extract::{Path, Request, State},
    response::Response,
};

use crate::{cookies, failure::Failure, page, routes::Inner, wanted};

pub(crate) async fn connect(
    State(inner): State<Arc<Inner>>,
    Path(brand): Path<String>,
    request: Request,
) -> Response {
    match start(&inner, &brand, request).await {
        Ok(response) => response,
        Err(failure) => page::failure(&failure),
    }
}

async fn start(inner: &Inner, brand: &str, request: Request) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    let account = wanted::account(inner, brand, &parts, body).await?;
    let log = |error| inner.log(brand, &error);
    let start = account.connect().map_err(log)?;
    let info = inner.accounts.flow(&start.flow).map_err(log)?;
    let landing = inner.landing(info.redirect_uri.path());
    let landing = landing.ok_or(Failure::WRONG_PLACE)?;
    let mut response = page::see_other(start.url.as_str());
    let set = response.headers_mut();
    cookies::start(landing, (&start, &info), &parts.headers, set);
    Ok(response)
}
