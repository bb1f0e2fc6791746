//! What a credential helper reads.

use std::io::Read as _;

use crate::{BoxError, exit::misconfigured};

/// The most bytes that a helper reads: git and docker write far less.
const MAX_INPUT: u64 = 64 * 1024;

/// Reads stdin to its end. The error shows nothing of it, since it may hold a password.
pub(super) fn read() -> Result<String, BoxError> {
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .take(MAX_INPUT + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_INPUT {
        return Err(malformed("is longer than 64 KiB"));
    }
    match String::from_utf8(bytes) {
        Ok(text) if text.contains('\0') => Err(malformed("has a zero byte")),
        Ok(text) => Ok(text),
        Err(_) => Err(malformed("is not UTF-8")),
    }
}

pub(super) fn malformed(problem: &str) -> BoxError {
    misconfigured(format!(
        "the helper's input {problem}; no token was printed"
    ))
    .into()
}
