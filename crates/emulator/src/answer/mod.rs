//! Responses, and their meaning for the counters.

mod fields;
mod gzip;

use axum::body::Body;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, PRAGMA};
use http::{HeaderValue, Response, StatusCode};
use serde_json::Value;

pub(crate) use fields::{Fields, Format};
pub(crate) use gzip::gzip;

/// The decision of the token endpoint, which a response's extensions carry to the counters.
#[derive(Debug, Clone)]
pub(crate) enum Verdict {
    Granted { replaced: bool },
    Refused { error: String, dead: bool },
}

/// Marks a response that the server compresses with gzip.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gzip;

/// Responds with tokens: 200, never cached (RFC 6749 §5.1).
pub(crate) fn granted(fields: Fields, replaced: bool) -> Response<Body> {
    let mut response = no_store(fields.respond(StatusCode::OK));
    response
        .extensions_mut()
        .insert(Verdict::Granted { replaced });
    response
}

/// Marks a refusal of the token endpoint, for the counters.
///
/// `dead` says that the presented refresh token is of no more use.
pub(crate) fn refused(mut response: Response<Body>, error: &str, dead: bool) -> Response<Body> {
    response.extensions_mut().insert(Verdict::Refused {
        error: error.to_owned(),
        dead,
    });
    no_store(response)
}

pub(crate) fn json(status: StatusCode, value: &Value) -> Response<Body> {
    with_type(status, "application/json", value.to_string())
}

pub(crate) fn html(status: StatusCode, text: String) -> Response<Body> {
    with_type(status, "text/html; charset=utf-8", text)
}

/// Sends a page that is never cached.
pub(crate) fn page(text: String) -> Response<Body> {
    no_store(html(StatusCode::OK, text))
}

pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// Redirects with 302.
pub(crate) fn redirect(to: &str) -> Response<Body> {
    match HeaderValue::from_str(to) {
        Ok(location) => {
            let mut response = no_store(empty(StatusCode::FOUND));
            response.headers_mut().insert(LOCATION, location);
            response
        }
        Err(_) => html(
            StatusCode::BAD_REQUEST,
            crate::page::error("The redirect URI cannot be sent in a header."),
        ),
    }
}

fn with_type(status: StatusCode, content_type: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn no_store(mut response: Response<Body>) -> Response<Body> {
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
        .headers_mut()
        .insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}
