//! The start of a login.

use std::sync::Arc;

use axum::{
    extract::{Path, Request, State},
    response::Response,
};

use crate::{context::RouteContext, cookies, failure::Failure, page, wanted};

pub(crate) async fn connect(
    State(context): State<Arc<RouteContext>>,
    Path(brand): Path<String>,
    request: Request,
) -> Response {
    match start(&context, &brand, request).await {
        Ok(response) => response,
        Err(failure) => page::failure(&failure),
    }
}

async fn start(context: &RouteContext, brand: &str, request: Request) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    let account = wanted::account(context, brand, &parts, body).await?;
    let log = |error| context.log(brand, &error);
    let start = account.connect().map_err(log)?;
    let info = context.accounts.flow(&start.flow).map_err(log)?;
    let landing = context.landing(info.redirect_uri.path());
    let landing = landing.ok_or(Failure::WRONG_PLACE)?;
    let mut response = page::see_other(start.url.as_str());
    let set = response.headers_mut();
    cookies::start(landing, (&start, &info), &parts.headers, set);
    Ok(response)
}
