//! Dialects from TOML and JSON, with errors that name the line.

use serde::de::DeserializeOwned;

use crate::error::Error;

#[cfg(feature = "toml")]
pub(super) fn from_toml<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    toml::from_str(text).map_err(|source| {
        let (line, column) = position(text, source.span().map_or(0, |span| span.start));
        let message = source.message().to_owned();
        Error::DialectText {
            format: "TOML",
            line,
            column,
            message,
            source: Box::new(source),
        }
    })
}

pub(super) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|source| {
        let (line, column) = (source.line(), source.column());
        let whole = source.to_string();
        // serde_json's messages end with the position, which our error has already.
        let message = whole.split(" at line ").next().unwrap_or(&whole).to_owned();
        Error::DialectText {
            format: "JSON",
            line,
            column,
            message,
            source: Box::new(source),
        }
    })
}

#[cfg(feature = "toml")]
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (
        before.matches('\n').count() + 1,
        before[line_start..].chars().count() + 1,
    )
}
