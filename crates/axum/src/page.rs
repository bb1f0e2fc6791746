//! The responses: pages, redirects, and the headers of all of them.

use axum::{Router, body::Body, response::Response};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY,
        RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
    },
};
use maud::Markup;
use tokenkeeper_pages::STYLE_SOURCE;
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

/// The scripts that a page runs.
pub(crate) enum Scripts<'a> {
    None,
    /// One in the page, with this nonce.
    Inline(&'a str),
    /// One that also sends requests to this site.
    Fetching(&'a str),
}

/// Where the forms of a page lead.
#[derive(Clone, Copy)]
pub(crate) enum Forms {
    None,
    /// To this site, and nowhere from there.
    Own,
    /// To this site and from there to a provider: some browsers check the redirect too. Over http,
    /// which is for loopback, the provider may be one on loopback.
    Provider(bool),
}

/// Responds with a page.
pub(crate) fn document(
    status: StatusCode,
    html: Markup,
    scripts: Scripts<'_>,
    forms: Forms,
) -> Response {
    let mut response = content(status, "text/html; charset=utf-8", html.into_string());
    let scripts = match scripts {
        Scripts::None => String::new(),
        Scripts::Inline(nonce) => format!("script-src 'nonce-{nonce}'; "),
        Scripts::Fetching(nonce) => format!("script-src 'nonce-{nonce}'; connect-src 'self'; "),
    };
    let targets = match forms {
        Forms::None => "'none'",
        Forms::Own => "'self'",
        Forms::Provider(true) => "'self' https:",
        Forms::Provider(false) => "'self' https: http:",
    };
    let policy = format!(
        "default-src 'none'; style-src {STYLE_SOURCE}; {scripts}base-uri 'none'; \
         form-action {targets}; frame-ancestors 'none'"
    );
    let policy = HeaderValue::try_from(policy).expect("a nonce is hexadecimal");
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    if !matches!(forms, Forms::None) {
        headers.insert(REFERRER_POLICY, NAMES_ORIGIN);
    }
    response
}

/// The policy of a page with a form. Under "no-referrer" the form would name no origin.
const NAMES_ORIGIN: HeaderValue = HeaderValue::from_static("strict-origin");

/// Sets `Retry-After` if it is known when to try again.
pub(crate) fn retry_after(failure: &Failure, headers: &mut HeaderMap) {
    if let Some(after) = failure.retry_after {
        headers.insert(RETRY_AFTER, after.as_secs().max(1).into());
    }
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
