//! The start of a login.

use std::sync::Arc;

use axum::{
    extract::{Path, Request, State},
    response::Response,
};

use crate::{context::RouteContext, cookies, failure::Failure, form, page};

pub(crate) async fn connect(
    State(context): State<Arc<RouteContext>>,
    Path(brand): Path<String>,
    request: Request,
) -> Response {
    match begin_login(&context, &brand, request).await {
        Ok(response) => response,
        Err(failure) => {
            failure.log(&brand);
            page::failure(&failure)
        }
    }
}

async fn begin_login(
    context: &RouteContext,
    brand: &str,
    request: Request,
) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    let account = form::account(context, brand, &parts, body).await?;
    let log = |error| context.log(brand, &error);
    let login = account.connect_with(&context.options).map_err(log)?;
    let info = context.accounts.flow(&login.flow).map_err(log)?;
    let callback_path = context.callback_path(info.redirect_uri.path());
    let callback_path = callback_path.ok_or(Failure::WRONG_PLACE)?;
    let mut response = page::see_other(login.url.as_str());
    let set = response.headers_mut();
    cookies::set_flow(callback_path, (&login, &info), &parts.headers, set)?;
    Ok(response)
}
