//! What a credential helper reads.

use zeroize::Zeroizing;

use super::Format;
use crate::{BoxError, exit::misconfigured, stdin};

/// The most bytes that a helper reads: git and docker write far less.
const MAX_INPUT: usize = 64 * 1024;

/// Returns whether this operation of a helper has an input.
pub(super) fn is_read_by(format: Format, operation: &str) -> bool {
    match format {
        Format::Git => matches!(operation, "get" | "erase"),
        Format::Docker => matches!(operation, "get" | "store" | "erase"),
        _ => false,
    }
}

/// Reads stdin to its end. The error shows nothing of it, since it may hold a password.
pub(super) async fn read() -> Result<Zeroizing<String>, BoxError> {
    let text = stdin::read(MAX_INPUT, |problem| malformed(&problem.to_string())).await?;
    if text.contains('\0') {
        return Err(malformed("has a zero byte"));
    }
    Ok(text)
}

pub(super) fn malformed(problem: &str) -> BoxError {
    misconfigured(format!(
        "the helper's input {problem}; no token was printed"
    ))
    .into()
}
