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
    let text = failure.text;
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
