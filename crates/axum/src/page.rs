//! The responses: plain pages, redirects, and the headers of all of them.

use axum::{Router, body::Body, response::Response};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY,
        RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
    },
};
use tower_http::set_header::SetResponseHeaderLayer;

use crate::failure::Failure;

/// The policy that allows nothing to be loaded, sent or framed.
const CLOSED: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Sets the headers of every response that does not set them itself.
///
/// No cache may keep a response, and no other site may learn its URL, which may hold a code.
pub(crate) fn harden<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    [
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, CLOSED),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ]
    .into_iter()
    .fold(router, |router, (name, value)| {
        let value = HeaderValue::from_static(value);
        router.route_layer(SetResponseHeaderLayer::if_not_present(name, value))
    })
}

/// Renders a plain page about a failure.
pub(crate) fn failure(failure: &Failure) -> Response {
    let text = escape(&failure.message());
    let mut response = html(
        failure.status,
        format!(
            "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\
             <title>Not connected</title>\n<p>{text}</p>\n"
        ),
    );
    retry_after(failure, response.headers_mut());
    response
}

/// Renders a page whose script has this nonce; the policy's further directives are `allowed`.
pub(crate) fn scripted(status: StatusCode, html: String, nonce: &str, allowed: &str) -> Response {
    let mut response = self::html(status, html);
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; {allowed}; frame-ancestors 'none'"
    );
    let policy = HeaderValue::try_from(policy).expect("a nonce is hexadecimal");
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    response
}

/// Returns 128 random bits in hexadecimal.
pub(crate) fn random() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the operating system provides random numbers");
    format!("{:032x}", u128::from_ne_bytes(bytes))
}

/// Escapes a text for HTML, also within a quoted attribute.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Sets `Retry-After` if it is known when to try again.
pub(crate) fn retry_after(failure: &Failure, headers: &mut HeaderMap) {
    if let Some(after) = failure.retry_after {
        headers.insert(RETRY_AFTER, after.as_secs().max(1).into());
    }
}

pub(crate) fn html(status: StatusCode, html: String) -> Response {
    content(status, "text/html; charset=utf-8", html)
}

pub(crate) fn json(status: StatusCode, json: &serde_json::Value) -> Response {
    content(status, "application/json", json.to_string())
}

/// Redirects the browser with a GET, whatever the method of its request (303).
pub(crate) fn see_other(location: &str) -> Response {
    let location = HeaderValue::from_str(location).expect("URLs and checked paths are ASCII");
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(LOCATION, location);
    response
}

fn content(status: StatusCode, kind: &'static str, content: String) -> Response {
    let mut response = Response::new(Body::from(content));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static(kind);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
