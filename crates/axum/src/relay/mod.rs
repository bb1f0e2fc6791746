//! The relay page, for a redirect whose answer is in the fragment.
//!
//! Browsers do not send the fragment to a server: the page's script reads it and posts it back.

mod used_pages;

use std::sync::Arc;

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    response::Response,
};
use http::{HeaderValue, StatusCode, request::Parts};
use serde_json::json;
use subtle::ConstantTimeEq as _;
use tokenkeeper_engine::{Flow, protocol::Redirect};

pub(crate) use self::used_pages::UsedPages;

use crate::{
    builtin::{self, Relay},
    callback::{self, Unfinished},
    callback_path::CallbackPath,
    confirm,
    context::RouteContext,
    cookies::{self, LoginCookie, NoncePage, Progress},
    failure::{Failure, Task},
    fields::Fields,
    local_path, origin_check, page, prefetch,
};

/// The header for the nonce: forms cannot send it, and pages of other origins may not.
const NONCE: &str = "x-tokenkeeper-nonce";

/// The limit for a posted fragment, which is part of a URL and so bounded by servers and browsers.
const MAX_FRAGMENT: usize = 16 * 1024;

/// Serves the relay page and ignores the query.
///
/// It never redirects, because the browser would pass the fragment on.
pub(crate) async fn serve(
    State(context): State<Arc<RouteContext>>,
    callback_path: Arc<CallbackPath>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    if prefetch::is_prefetch(&parts.headers) {
        return prefetch::refusal();
    }
    let brand = &callback_path.brand;
    let query = parts.uri.query().unwrap_or_default();
    if let Some(failure) = callback::shown(&callback_path, query, &parts.headers) {
        return context.failure_page(&parts, brand, Task::Connect, &failure);
    }
    match open(&context, &callback_path, &parts).await {
        Ok(response) => response,
        Err(failure) => {
            // The application's page cannot remove the fragment: the script leads on to it.
            let leads_on = context.routes.failure_page.is_some();
            let next = leads_on.then(|| callback::shown_path(&callback_path, &failure));
            let next = next.unwrap_or_default();
            let page = context.describe(brand, Task::Connect, &failure);
            let content = Relay::Failure(&page);
            let mut response = builtin::relay(failure.status, &page.title(), &content, ("", &next));
            if leads_on {
                let set = response.headers_mut();
                cookies::set_shown(&callback_path, &failure, &parts.headers, set);
            }
            response
        }
    }
}

/// Renders the page of a login in progress, or one that leads on from a finished login.
async fn open(
    context: &RouteContext,
    callback_path: &CallbackPath,
    parts: &Parts,
) -> Result<Response, Failure> {
    let title = format!(
        "Connecting to {}",
        context.routes.name_of(&callback_path.brand)
    );
    match cookies::find(callback_path, None, &parts.headers)?.progress {
        Progress::Open(flow) => {
            let info = callback::live_flow(context, callback_path, &flow)?;
            let nonce = tokenkeeper_pages::nonce();
            let next = Fields::of_flow(&info).next;
            let back = next.as_ref().unwrap_or(&context.routes.back);
            let text = Relay::Text {
                text: "Finishing the login…",
                back,
            };
            let mut response = builtin::relay(StatusCode::OK, &title, &text, (&nonce, ""));
            let set = response.headers_mut();
            cookies::set_nonce(callback_path, NoncePage::Relay, &info, &nonce, set);
            Ok(response)
        }
        Progress::Connected(flow) => {
            let next = callback::require_connected(context, callback_path, &flow, parts).await?;
            let text = Relay::Text {
                text: "The login is finished.",
                back: &next,
            };
            Ok(builtin::relay(StatusCode::OK, &title, &text, ("", &next)))
        }
        Progress::Failed(failure) => Err(failure),
    }
}

/// Handles the post of the page's script.
pub(crate) async fn complete(
    State(context): State<Arc<RouteContext>>,
    callback_path: Arc<CallbackPath>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let (brand, origin) = (&callback_path.brand, &callback_path.origin);
    let cookie = if origin_check::is_origin(&parts.headers, origin) {
        cookies::find(&callback_path, None, &parts.headers)
    } else {
        Err(origin_check::refuse(brand, &parts.headers, origin))
    };
    let cookie = match cookie {
        Ok(cookie) => cookie,
        Err(failure) => return failed(&context, &callback_path, &parts, &failure),
    };
    let mut page = Page::Kept;
    let finished = match finish(&context, &callback_path, &cookie, &parts, body, &mut page).await {
        Ok(destination) => Ok(destination),
        Err(Unfinished::Failed(failure)) => Err(about(&context, &cookie, failure)),
        Err(Unfinished::Unconfirmed(..)) if !callback_path.asks => {
            Err(about(&context, &cookie, Failure::STATE))
        }
        Err(Unfinished::Unconfirmed(info, redirect)) => {
            let mut response = confirm::ask_relay(&context, &callback_path, &info, &redirect);
            cookies::remove_nonce(&callback_path, NoncePage::Relay, response.headers_mut());
            return response;
        }
    };
    let mut response = match &finished {
        Ok(destination) => page::json(StatusCode::OK, &json!({ "next": destination })),
        Err(failure) => failed(&context, &callback_path, &parts, failure),
    };
    let set = response.headers_mut();
    cookies::keep_outcome(&context.accounts, &callback_path, &cookie, &finished, set);
    let ended = finished.is_err_and(|failure| failure.ends_flow);
    if ended || matches!(page, Page::Used) {
        cookies::remove_nonce(&callback_path, NoncePage::Relay, set);
    }
    response
}

/// Adds to a failure what a new attempt at the login of this cookie would be about.
fn about(context: &RouteContext, cookie: &LoginCookie, failure: Failure) -> Failure {
    match &cookie.progress {
        Progress::Open(flow) => callback::about(context, flow, failure),
        _ => failure,
    }
}

/// Whether a page has its one attempt left.
enum Page {
    Kept,
    Used,
}

/// Checks the post and finishes the login.
async fn finish(
    context: &RouteContext,
    callback_path: &CallbackPath,
    cookie: &LoginCookie,
    parts: &Parts,
    body: Body,
    page: &mut Page,
) -> Result<String, Unfinished> {
    let flow: &Flow = match &cookie.progress {
        Progress::Open(flow) => flow,
        Progress::Connected(flow) => {
            let done = callback::require_connected(context, callback_path, flow, parts).await;
            return Ok(done?);
        }
        Progress::Failed(failure) => return Err(failure.clone().into()),
    };
    let info = callback::live_flow(context, callback_path, flow)?;
    let expected = cookies::nonce(callback_path, NoncePage::Relay, &info.id, &parts.headers);
    let expected = expected.ok_or(Failure::NONCE)?;
    let given = parts
        .headers
        .get(NONCE)
        .map_or(&b""[..], HeaderValue::as_bytes);
    if !bool::from(given.ct_eq(expected.as_bytes())) {
        return Err(Failure::NONCE.into());
    }
    callback::require_same_person(context, parts, &info)?;
    let fragment = to_bytes(body, MAX_FRAGMENT)
        .await
        .map_err(|_| Failure::TOO_LARGE)?;
    let fragment = String::from_utf8(fragment.into()).map_err(|_| Failure::NO_ANSWER)?;
    if !context
        .used_pages
        .insert(&expected, cookies::lifetime(&info))
    {
        return Err(Failure::NONCE.into());
    }
    *page = Page::Used;
    let redirect = Redirect::fragment(fragment);
    callback::exchange(context, callback_path, (flow, &info), redirect, None).await
}

/// Tells the script where the failure is shown.
fn failed(
    context: &RouteContext,
    callback_path: &CallbackPath,
    parts: &Parts,
    failure: &Failure,
) -> Response {
    failure.log(&callback_path.brand);
    let next = match &context.routes.failed {
        Some(path) => local_path::with_parameter(path, "failure", failure.code),
        None => callback::shown_path(callback_path, failure),
    };
    let answer = json!({ "failure": failure.code, "text": failure.message(), "next": next });
    let mut response = page::json(failure.status, &answer);
    if context.routes.failed.is_none() {
        let set = response.headers_mut();
        cookies::set_shown(callback_path, failure, &parts.headers, set);
    }
    page::retry_after(failure, response.headers_mut());
    response
}
