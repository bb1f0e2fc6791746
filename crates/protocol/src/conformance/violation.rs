//! The error of a broken rule.

use std::fmt;

use crate::error::Error;

/// A breach of a rule of the [suite](mod@crate::conformance).
#[derive(Debug)]
pub struct Violation {
    what: String,
}

impl Violation {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Violation {}

impl From<Error> for Violation {
    fn from(error: Error) -> Self {
        Self::new(format!("the provider failed unexpectedly: {error}"))
    }
}

/// Returns a [`Violation`] unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($what:tt)+) => {
        if !$condition {
            return Err($crate::conformance::violation::Violation::new(format!($($what)+)));
        }
    };
}
pub(super) use ensure;
