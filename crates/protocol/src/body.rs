//! The object in a response's body: JSON, or a form where one may be expected.

use bytes::Bytes;
use http::{
    HeaderMap, Response,
    header::{CONTENT_ENCODING, CONTENT_TYPE},
};

use crate::{classification::MAX_TOKEN_RESPONSE, dialect::Dialect, json::Object};

/// Reads the object. `None`: there is none, or the body is too long.
pub(crate) fn object(dialect: &Dialect, response: &Response<Bytes>) -> Option<Object> {
    let body = response.body();
    if body.len() > MAX_TOKEN_RESPONSE {
        return None;
    }
    Object::read(body, dialect.response.json).or_else(|| form(dialect, response))
}

/// Returns the content type without its parameters, in lower case.
pub(crate) fn content_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let essence = value.split(';').next().unwrap_or_default().trim();
    (!essence.is_empty()).then(|| essence.to_ascii_lowercase())
}

/// Returns the content type in a form that is safe to show: a server may echo anything in it.
pub(crate) fn listed_content_type(headers: &HeaderMap) -> Option<&'static str> {
    let given = content_type(headers)?;
    let listed = CONTENT_TYPES.iter().find(|listed| **listed == given);
    Some(listed.copied().unwrap_or("an unlisted content type"))
}

/// The content types that are shown.
const CONTENT_TYPES: &[&str] = &[
    "application/hal+json",
    "application/javascript",
    "application/json",
    "application/jwt",
    "application/octet-stream",
    "application/problem+json",
    "application/vnd.api+json",
    "application/x-www-form-urlencoded",
    "application/xhtml+xml",
    "application/xml",
    "text/html",
    "text/javascript",
    "text/json",
    "text/plain",
    "text/xml",
];

/// Returns whether the headers name a content coding, which the transport has not decoded.
pub(crate) fn is_encoded(headers: &HeaderMap) -> bool {
    let coding = headers
        .get(CONTENT_ENCODING)
        .map(|value| value.as_bytes().trim_ascii());
    coding.is_some_and(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity"))
}

/// Reads a form: servers that are older than RFC 6749 answer with one, some as `text/plain`.
fn form(dialect: &Dialect, response: &Response<Bytes>) -> Option<Object> {
    let body = response.body().trim_ascii();
    let readable = match content_type(response.headers()).as_deref() {
        Some("application/x-www-form-urlencoded") if !is_encoded(response.headers()) => true,
        Some("text/html" | "application/xhtml+xml") => false,
        _ => is_form(dialect, body),
    };
    readable.then(|| Object::of_strings(form_urlencoded::parse(body).into_owned()))
}

/// Returns whether a body without a helpful content type can only be a form: pairs of visible ASCII
/// alone, one of which is an access token or an error.
fn is_form(dialect: &Dialect, body: &[u8]) -> bool {
    let plain = |b: &u8| b.is_ascii_graphic() && !matches!(b, b'<' | b'>' | b'"' | b'{' | b'}');
    let token = dialect.response.access_token_field.as_bytes();
    let named = |pair: &[u8]| {
        let mut parts = pair.splitn(2, |b| *b == b'=');
        let name = parts.next().unwrap_or_default();
        let known = name == token || name == b"error";
        parts.next().is_some().then_some(known)
    };
    let pairs: Option<Vec<bool>> = body.split(|b| *b == b'&').map(named).collect();
    body.iter().all(plain) && pairs.is_some_and(|pairs| pairs.contains(&true))
}
