//! Helpers for the checks of the rules.

use http::HeaderName;

use crate::error::Error;

/// Returns the error for a field of a dialect.
pub(super) fn wrong(field: &'static str, problem: &str) -> Result<(), Error> {
    Err(Error::Dialect {
        field,
        problem: problem.to_owned(),
    })
}

/// Checks that `name` is a valid header name.
pub(super) fn header_name(field: &'static str, name: &str) -> Result<(), Error> {
    match HeaderName::from_bytes(name.as_bytes()) {
        Ok(_) => Ok(()),
        Err(_) => wrong(field, "holds an invalid header name"),
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
