//! The relay page, for a redirect whose answer is in the fragment.
//!
//! Browsers do not send the fragment to a server: the page's script reads it and posts it back.

mod completed;

use std::sync::Arc;

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    response::Response,
};
use http::{HeaderValue, StatusCode, header::CONTENT_SECURITY_POLICY, request::Parts};
use serde_json::json;
use subtle::ConstantTimeEq as _;
use tokenkeeper_engine::protocol::Redirect;

pub(crate) use self::completed::CompletedFlows;

use crate::{
    callback,
    callback_path::CallbackPath,
    context::RouteContext,
    cookies::{self, FlowCookie},
    failure::Failure,
    local_path, origin_check, page,
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
    let live = cookies::find_flow(&callback_path, None, &parts.headers)
        .and_then(|cookie| callback::live_flow(&context, &callback_path, &cookie.flow));
    match live {
        Ok(info) => {
            let nonce = random();
            let text = "Finishing the login…";
            let mut response = relay_page(StatusCode::OK, text, &nonce);
            cookies::set_nonce(&callback_path, &info, &nonce, response.headers_mut());
            response
        }
        Err(failure) => relay_page(failure.status, failure.text, ""),
    }
}

/// Handles the post of the page's script.
pub(crate) async fn complete(
    State(context): State<Arc<RouteContext>>,
    callback_path: Arc<CallbackPath>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let cookie = origin_check::require_origin(&parts.headers, &callback_path.origin)
        .and_then(|()| cookies::find_flow(&callback_path, None, &parts.headers));
    let cookie = match cookie {
        Ok(cookie) => cookie,
        Err(failure) => return failed(&context, &failure),
    };
    let mut attempted = false;
    let finished = finish(
        &context,
        &callback_path,
        &cookie,
        &parts,
        body,
        &mut attempted,
    )
    .await;
    let ended = attempted || finished.is_err_and(|failure| failure.ends_flow);
    let mut response = match finished {
        Ok(()) => page::json(StatusCode::OK, &json!({ "next": context.connected })),
        Err(failure) => failed(&context, &failure),
    };
    if ended {
        cookies::remove(&callback_path, &cookie.name, response.headers_mut());
        cookies::remove_nonce(&callback_path, response.headers_mut());
    }
    response
}

/// Checks the post and finishes the login; sets `attempted` once the page's one attempt is used.
async fn finish(
    context: &RouteContext,
    callback_path: &CallbackPath,
    cookie: &FlowCookie,
    parts: &Parts,
    body: Body,
    attempted: &mut bool,
) -> Result<(), Failure> {
    let info = callback::live_flow(context, callback_path, &cookie.flow)?;
    let expected = cookies::nonce(callback_path, &info.id, &parts.headers).ok_or(Failure::NONCE)?;
    let given = parts
        .headers
        .get(NONCE)
        .map_or(&b""[..], HeaderValue::as_bytes);
    if !bool::from(given.ct_eq(expected.as_bytes())) {
        return Err(Failure::NONCE);
    }
    callback::require_same_person(context, parts, &info)?;
    let fragment = to_bytes(body, MAX_FRAGMENT)
        .await
        .map_err(|_| Failure::TOO_LARGE)?;
    let fragment = String::from_utf8(fragment.into()).map_err(|_| Failure::NO_ANSWER)?;
    if !context.completed.insert(&info.id, cookies::lifetime(&info)) {
        return Err(Failure::NONCE);
    }
    *attempted = true;
    callback::exchange(context, callback_path, cookie, Redirect::fragment(fragment)).await
}

fn failed(context: &RouteContext, failure: &Failure) -> Response {
    let mut answer = json!({ "failure": failure.code, "text": failure.text });
    if let Some(path) = &context.failed {
        answer["next"] = local_path::with_parameter(path, "failure", failure.code).into();
    }
    let mut response = page::json(failure.status, &answer);
    page::retry_after(failure, response.headers_mut());
    response
}

/// Renders the page. Without a nonce it only removes the fragment from the address and the history.
fn relay_page(status: StatusCode, text: &str, nonce: &str) -> Response {
    let csp_nonce = random();
    let html = include_str!("page.html")
        .replace("{{text}}", text)
        .replace("{{csp_nonce}}", &csp_nonce)
        .replace("{{nonce}}", nonce)
        .replace("{{script}}", include_str!("script.js"));
    let mut response = page::html(status, html);
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{csp_nonce}'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let policy = HeaderValue::try_from(policy).expect("a nonce is hexadecimal");
    response
        .headers_mut()
        .insert(CONTENT_SECURITY_POLICY, policy);
    response
}

fn random() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the operating system provides random numbers");
    format!("{:032x}", u128::from_ne_bytes(bytes))
}
