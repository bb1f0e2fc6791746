//! The start of a login, and the page with its button.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Path, Request, State},
    response::Response,
};
use http::request::Parts;
use tokenkeeper_engine::Status;

use crate::{
    builtin::{self, ConnectPage},
    context::RouteContext,
    cookies,
    failure::{Failure, Task},
    fields::Fields,
    form, page,
};

/// Starts the login.
pub(crate) async fn connect(
    State(context): State<Arc<RouteContext>>,
    Path(brand): Path<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    match begin_login(&context, &brand, &parts, body).await {
        Ok(response) => response,
        Err(failure) => {
            failure.log(&brand);
            context.failure_page(&parts, &brand, Task::Connect, &failure)
        }
    }
}

/// Shows the page whose button starts the login. A link alone starts none.
pub(crate) async fn ask(
    State(context): State<Arc<RouteContext>>,
    Path(brand): Path<String>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    match button(&context, &brand, &parts).await {
        Ok(response) => response,
        Err(failure) => {
            failure.log(&brand);
            context.failure_page(&parts, &brand, Task::Connect, &failure)
        }
    }
}

async fn begin_login(
    context: &RouteContext,
    brand: &str,
    parts: &Parts,
    body: Body,
) -> Result<Response, Failure> {
    let (account, fields) = form::account(context, brand, parts, body).await?;
    let log = |error| context.log(brand, &error).with(fields.clone());
    let options = fields.connect_options(context.options.clone());
    let login = account.connect_with(&options).map_err(log)?;
    let info = context.accounts.flow(&login.flow).map_err(log)?;
    let callback_path = context.callback_path(info.redirect_uri.path());
    let callback_path = callback_path.ok_or(Failure::WRONG_PLACE)?;
    let mut response = page::see_other(login.url.as_str());
    let set = response.headers_mut();
    cookies::set_flow(callback_path, (&login, &info), &parts.headers, set)?;
    Ok(response)
}

async fn button(context: &RouteContext, brand: &str, parts: &Parts) -> Result<Response, Failure> {
    let provider = context
        .provider_info(brand)
        .ok_or(Failure::UNKNOWN_PROVIDER)?;
    context.subject(parts, None)?;
    let fields = Fields::of_query(&context.routes, parts)?;
    if provider.asks_site && fields.site.is_none() {
        return Ok(builtin::connect(&provider, &fields, ConnectPage::Site));
    }
    let account = form::account_of(context, brand, parts, &fields);
    let account = account.map_err(|failure| failure.with(fields.clone()))?;
    // If the state cannot be read, the page is that of a new account.
    let page = match account.status().await {
        Ok(Status::Connected(connection)) if connection.reauthorize.is_none() => ConnectPage::Again,
        _ => ConnectPage::Login,
    };
    Ok(builtin::connect(&provider, &fields, page))
}
