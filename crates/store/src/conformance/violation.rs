//! The error of a broken rule.

use std::error::Error;
use std::fmt;

use crate::{Entry, ErrorChain, StoreError};

/// The error of a store that breaks a rule of the [suite](mod@crate::conformance).
#[derive(Debug)]
pub struct Violation {
    what: String,
    source: Option<StoreError>,
}

impl Violation {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            source: None,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        match &self.source {
            Some(source) => write!(f, ": {}", ErrorChain::of(source)),
            None => Ok(()),
        }
    }
}

// No `source`: `Display` prints the whole chain, as a failed test needs it.
impl Error for Violation {}

impl From<StoreError> for Violation {
    fn from(error: StoreError) -> Self {
        Self {
            what: "the store failed unexpectedly".into(),
            source: Some(error),
        }
    }
}

/// Returns a [`Violation`] unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($what:tt)+) => {
        if !$condition {
            return Err($crate::conformance::Violation::new(format!($($what)+)));
        }
    };
}
pub(super) use ensure;

/// Checks that `found` is exactly `wanted`.
pub(super) fn expect_entry(
    what: &str,
    found: Option<&Entry>,
    wanted: Option<&Entry>,
) -> Result<(), Violation> {
    // `Debug` prints only the length of a value.
    let same_value = found.map(|entry| &entry.value) == wanted.map(|entry| &entry.value);
    let note = if same_value {
        ""
    } else {
        " (the values differ)"
    };
    ensure!(
        found == wanted,
        "{what}: found {found:?}, wanted {wanted:?}{note}"
    );
    Ok(())
}
