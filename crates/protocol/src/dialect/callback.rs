//! The names of the redirect's parameters.

use serde::{Deserialize, Serialize};

use super::check::{repeats, wrong};
use crate::error::Error;

/// The names of the redirect's parameters, where they differ from RFC 6749 §4.1.2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct CallbackNames {
    /// The parameter with the code. Default: `code`.
    pub code: String,
    /// The parameter with the state. Default: `state`.
    pub state: String,
    /// The parameter with the error code. Default: `error`.
    pub error: String,
}

impl Default for CallbackNames {
    fn default() -> Self {
        let [code, state, error] = ["code", "state", "error"].map(str::to_owned);
        Self { code, state, error }
    }
}

impl CallbackNames {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the names of all parameters that the provider adds to the redirect URI.
    pub(crate) fn all(&self) -> [&str; 4] {
        [&self.code, &self.error, &self.state, "iss"]
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let names = self.all();
        if names.contains(&"") || repeats(names.iter()) {
            return wrong(
                "authorization.callback",
                "must name different parameters, and none `iss`",
            );
        }
        Ok(())
    }
}
