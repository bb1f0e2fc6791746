//! Dialects from TOML and JSON, with errors that name the line.

use serde::de::DeserializeOwned;
#[cfg(feature = "toml")]
use toml::de::{DeTable, DeValue};

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

/// Adds the lines of the text to errors about fields.
#[cfg(feature = "toml")]
pub(super) fn locate(error: Error, text: &str) -> Error {
    match error {
        Error::Dialect {
            field,
            line: None,
            problem,
        } => Error::Dialect {
            line: line_of(text, &field),
            field,
            problem,
        },
        Error::Several { errors } => Error::Several {
            errors: errors.into_iter().map(|e| locate(e, text)).collect(),
        },
        other => other,
    }
}

/// Returns the line of a field such as `token.code` or `api_origins[1]`; of the innermost part that
/// the text has, if the field is missing there.
#[cfg(feature = "toml")]
fn line_of(text: &str, field: &str) -> Option<usize> {
    let table = DeTable::parse(text).ok()?;
    let offset = offset_in_table(table.get_ref(), field)?;
    Some(position(text, offset).0)
}

#[cfg(feature = "toml")]
fn offset_in_table(table: &DeTable<'_>, path: &str) -> Option<usize> {
    let (key, value, rest) = table.iter().find_map(|(key, value)| {
        // The name of a header or parameter may have a dot.
        let rest = path.strip_prefix(&**key.get_ref())?;
        (rest.is_empty() || rest.starts_with(['.', '['])).then_some((key, value, rest))
    })?;
    Some(offset_in_value(value.get_ref(), rest).unwrap_or(key.span().start))
}

#[cfg(feature = "toml")]
fn offset_in_value(value: &DeValue<'_>, path: &str) -> Option<usize> {
    match value {
        DeValue::Table(table) => offset_in_table(table, path.strip_prefix('.')?),
        DeValue::Array(array) => {
            let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
            let item = array.get(index.parse::<usize>().ok()?)?;
            Some(offset_in_value(item.get_ref(), rest).unwrap_or(item.span().start))
        }
        _ => None,
    }
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
