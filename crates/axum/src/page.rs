//! The responses: plain pages, ways elsewhere, and the headers that all of them have.

use axum::{body::Body, response::Response};
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY,
        RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
    },
};

use crate::failure::Failure;

/// Nothing may be loaded, sent or framed.
const CLOSED: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What a response has unless it says otherwise itself: kept by no cache, naming its URL (which may hold a code) to nobody.
pub(crate) async fn harden(mut response: Response) -> Response {
    const HEADERS: [(HeaderName, &str); 4] = [
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, CLOSED),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    for (name, value) in HEADERS {
        let headers = response.headers_mut();
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

/// A page that says what went wrong.
pub(crate) fn failure(failure: &Failure) -> Response {
    let text = failure.text;
    let mut response = html(
        failure.status,
        format!(
            "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Not connected</title>\n<p>{text}</p>\n"
        ),
    );
    retry_after(failure, response.headers_mut());
    response
}

/// Says when to come back, where that is known.
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

/// Sends the browser on with a GET, whatever it came with (303).
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
