//! Error codes at paths that the dialect does not read.

use serde_json::Value;

use super::Hint;
use crate::{classification::code_at, error_code::ErrorCode, json::Object};

/// The paths at which providers put an error code, next to those that a dialect reads anyway.
const COMMON_PATHS: &[&str] = &[
    "error.code",
    "error.type",
    "error.error",
    "error.name",
    "error.reason",
    "error.status",
    "error.errors.0.code",
    "error.0",
    "error.0.code",
    "errors.0.code",
    "errors.0.error",
    "errors.0.type",
    "errors.0.errorCode",
    "errors.0",
    "errors.code",
    "error_code",
    "errorCode",
    "error_type",
    "errorType",
    "errcode",
    "errno",
    "err",
    "err_code",
    "Error",
    "Error.Code",
    "ErrorCode",
    "Code",
    "code",
    "data.error_code",
    "data.error",
    "fault.code",
    "fault.detail.errorcode",
];

/// Returns the hint at an error code elsewhere. One next to an unlisted code must be registered.
pub(super) fn elsewhere(object: &Object, has_unlisted: bool) -> Option<Hint> {
    let at = |fits: fn(&str) -> bool| {
        let mut paths = COMMON_PATHS.iter().copied();
        paths.find(|path| code_at(object, path).is_some_and(|code| fits(&code)))
    };
    if let Some(path) = at(is_registered) {
        return Some(Hint::CodeAt { path: Some(path) });
    }
    if object.to_map().values().any(|value| holds_code(value, 4)) {
        return Some(Hint::CodeAt { path: None });
    }
    match has_unlisted {
        true => None,
        false => at(looks_like_one).map(|path| Hint::CodeAt { path: Some(path) }),
    }
}

fn is_registered(code: &str) -> bool {
    ErrorCode::new(code).as_str().is_some()
}

/// Returns whether a text is a single word, and not a sentence or a URI.
fn looks_like_one(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    text.len() <= 64 && text.bytes().all(plain)
}

/// Returns whether a registered code is somewhere in this value.
fn holds_code(value: &Value, depth: usize) -> bool {
    let below = |value| depth > 0 && holds_code(value, depth - 1);
    match value {
        Value::String(text) => is_registered(text),
        Value::Array(elements) => elements.iter().any(below),
        Value::Object(members) => members.values().any(below),
        _ => false,
    }
}
