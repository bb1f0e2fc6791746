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
    let token = dialect.response.access_token_field.as_str();
    let readable = match content_type(response.headers()).as_deref() {
        Some("application/x-www-form-urlencoded") if !is_encoded(response.headers()) => true,
        // The type of every page that a PHP script prints.
        Some("text/html") => is_form(body, &[token]),
        Some("application/xhtml+xml") => false,
        _ => is_form(body, &[token, "error"]),
    };
    readable.then(|| Object::of_strings(form_urlencoded::parse(body).into_owned()))
}

/// Returns whether a body without a helpful content type can only be a form: pairs of printable
/// ASCII alone, one of which has one of these names and a value.
fn is_form(body: &[u8], names: &[&str]) -> bool {
    let printable = |b: &u8| matches!(b, b' '..=b'~');
    let markup = |b: &u8| matches!(b, b'<' | b'>' | b'"' | b'{' | b'}');
    let mut pairs = body.split(|b| *b == b'&').filter(|pair| !pair.is_empty());
    let mut named = false;
    let well_formed = pairs.all(|pair| {
        let Some(at) = pair.iter().position(|b| *b == b'=') else {
            return false;
        };
        let (name, value) = (&pair[..at], &pair[at + 1..]);
        named |= names.iter().any(|own| own.as_bytes() == name) && !value.is_empty();
        // Some servers do not encode the spaces of a value.
        !name.contains(&b' ')
    });
    well_formed && named && body.iter().all(|b| printable(b) && !markup(b))
}
