//! Helpers for the checks of the rules.

use std::{ops::RangeInclusive, time::Duration};

use http::{
    HeaderName,
    header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, COOKIE, USER_AGENT},
};

use crate::error::Error;

/// Returns the error for a field of a dialect. The line is added where the text is at hand.
pub(super) fn wrong<T>(field: impl Into<String>, problem: &str) -> Result<T, Error> {
    Err(Error::Dialect {
        field: field.into(),
        line: None,
        problem: problem.to_owned(),
    })
}

/// Checks that `name` is a valid header name.
pub(super) fn header_name(field: &str, name: &str) -> Result<HeaderName, Error> {
    match HeaderName::from_bytes(name.as_bytes()) {
        Ok(name) => Ok(name),
        Err(_) => wrong(field, "holds an invalid header name"),
    }
}

/// Checks that `name` is a header that a dialect may add, and none of `taken`.
pub(super) fn added_header(field: &str, name: &str, taken: &[HeaderName]) -> Result<(), Error> {
    let header = header_name(field, name)?;
    if header == AUTHORIZATION || is_of_http(&header) || taken.contains(&header) {
        return wrong(field, "names a header that is set elsewhere: remove it");
    }
    Ok(())
}

/// Checks that `name` is a header that can carry a token or a parameter.
pub(super) fn value_header(field: &str, name: &str) -> Result<HeaderName, Error> {
    let header = header_name(field, name)?;
    let described = [ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, COOKIE, USER_AGENT];
    if is_of_http(&header) || described.contains(&header) {
        return wrong(
            field,
            "names a header with another meaning: name another one",
        );
    }
    Ok(header)
}

/// The headers that HTTP itself owns: they frame a message, or concern one connection (RFC 9110
/// §7.6.1, §10.1.1, §11.7; RFC 9112 §6).
const OF_HTTP: [&str; 13] = [
    "connection",
    "content-encoding",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

fn is_of_http(name: &HeaderName) -> bool {
    OF_HTTP.contains(&name.as_str())
}

/// Checks that each part of a path names a member.
pub(super) fn path(field: &str, path: &str) -> Result<(), Error> {
    if path.split('.').any(str::is_empty) {
        return wrong(
            field,
            "must name a member, or members of members with single dots between them",
        );
    }
    Ok(())
}

/// The times that a dialect can state. A longer one is meant as "never".
const TIMES: RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(10 * 366 * 24 * 60 * 60);

/// Checks a time of a dialect, if there is one.
pub(super) fn time(field: &str, time: Option<Duration>) -> Result<(), Error> {
    match time {
        Some(time) if !TIMES.contains(&time) => wrong(
            field,
            "must be from 1 second to 10 years: remove it for an unknown or unlimited time",
        ),
        _ => Ok(()),
    }
}

/// Returns whether an item occurs twice.
pub(super) fn repeats<T: PartialEq>(items: impl Iterator<Item = T>) -> bool {
    let items: Vec<T> = items.collect();
    items
        .iter()
        .enumerate()
        .any(|(at, item)| items[..at].contains(item))
}
