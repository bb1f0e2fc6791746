//! A redirect that has its answer in the fragment, which browsers keep to themselves: a page reads it and posts it back.

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

use crate::{
    callback,
    context::RouteContext,
    cookies::{self, Held},
    failure::Failure,
    guard,
    landing::Landing,
    local_path, page,
};

/// A header of its own, which no form can send and no page elsewhere may.
const NONCE: &str = "x-tokenkeeper-nonce";

/// A fragment is part of a URL, and servers and browsers bound those.
const MAX_FRAGMENT: usize = 16 * 1024;

/// Serves the relay page; the query plays no part. Never a redirect, for the fragment would go along with it.
pub(crate) async fn serve(
    State(context): State<Arc<RouteContext>>,
    landing: Arc<Landing>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    let live = cookies::flow(&landing, None, &parts.headers)
        .and_then(|held| callback::live(&context, &landing, &held.flow));
    match live {
        Ok(info) => {
            let nonce = random();
            let text = "Finishing the login…";
            let mut response = relay_page(StatusCode::OK, text, &nonce);
            cookies::set_nonce(&landing, &info, &nonce, response.headers_mut());
            response
        }
        Err(failure) => relay_page(failure.status, failure.text, ""),
    }
}

/// Takes what the page posts.
pub(crate) async fn complete(
    State(context): State<Arc<RouteContext>>,
    landing: Arc<Landing>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let held = guard::own_origin(&parts.headers, &landing.origin)
        .and_then(|()| cookies::flow(&landing, None, &parts.headers));
    let held = match held {
        Ok(held) => held,
        Err(failure) => return failed(&context, &failure),
    };
    let mut spent = false;
    let finished = finish(&context, &landing, &held, &parts, body, &mut spent).await;
    let ended = spent || finished.is_err_and(|failure| failure.ends_flow);
    let mut response = match finished {
        Ok(()) => page::json(StatusCode::OK, &json!({ "next": context.connected })),
        Err(failure) => failed(&context, &failure),
    };
    if ended {
        cookies::remove(&landing, &held.name, response.headers_mut());
        cookies::remove_nonce(&landing, response.headers_mut());
    }
    response
}

/// `spent` says whether the page has had its one try, whatever came of it.
async fn finish(
    context: &RouteContext,
    landing: &Landing,
    held: &Held,
    parts: &Parts,
    body: Body,
    spent: &mut bool,
) -> Result<(), Failure> {
    let info = callback::live(context, landing, &held.flow)?;
    let expected = cookies::nonce(landing, &info.id, &parts.headers).ok_or(Failure::NONCE)?;
    let given = parts
        .headers
        .get(NONCE)
        .map_or(&b""[..], HeaderValue::as_bytes);
    if !bool::from(given.ct_eq(expected.as_bytes())) {
        return Err(Failure::NONCE);
    }
    callback::same_person(context, parts, &info)?;
    let fragment = to_bytes(body, MAX_FRAGMENT)
        .await
        .map_err(|_| Failure::TOO_LARGE)?;
    let fragment = String::from_utf8(fragment.into()).map_err(|_| Failure::NO_ANSWER)?;
    if !context.completed.first(&info.id, cookies::left(&info)) {
        return Err(Failure::NONCE);
    }
    *spent = true;
    callback::exchange(context, landing, held, Redirect::fragment(fragment)).await
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

/// Without a nonce the page only takes the fragment out of the address and the history.
fn relay_page(status: StatusCode, text: &str, nonce: &str) -> Response {
    let csp_nonce = random();
    let html = include_str!("page.html")
        .replace("{{text}}", text)
        .replace("{{csp_nonce}}", &csp_nonce)
        .replace("{{nonce}}", nonce)
        .replace("{{script}}", include_str!("script.js"));
    let mut response = page::html(status, html);
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{csp_nonce}'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let policy = HeaderValue::try_from(policy).expect("a nonce is hexadecimal");
    response
        .headers_mut()
        .insert(CONTENT_SECURITY_POLICY, policy);
    response
}

fn random() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the operating system gives random numbers");
    format!("{:032x}", u128::from_ne_bytes(bytes))
}
