//! Helpers for the checks of the rules.

use http::{
    HeaderName,
    header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING},
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
    let framing = [
        AUTHORIZATION,
        CONNECTION,
        CONTENT_LENGTH,
        HOST,
        TRANSFER_ENCODING,
    ];
    if framing.contains(&header) || taken.contains(&header) {
        return wrong(field, "names a header that is set elsewhere: remove it");
    }
    Ok(())
}

/// Returns whether an item occurs twice.
pub(super) fn repeats<T: PartialEq>(items: impl Iterator<Item = T>) -> bool {
    let items: Vec<T> = items.collect();
    items
        .iter()
        .enumerate()
        .any(|(at, item)| items[..at].contains(item))
}
