//! How a rule is broken.

use std::fmt;

use crate::error::Error;

/// What a provider did that a rule of the [suite](mod@crate::conformance) forbids.
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
        Self::new(format!("the provider failed where it should not: {error}"))
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
