//! What the token endpoint's answers mean.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::check::wrong;
use crate::{error::Error, grant::GrantType, refusal::Class};

/// The answer to a token request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ResponseRules {
    /// Which texts count as JSON.
    pub json: Json,
    /// The field with the expiry. Default: `expires_in`.
    pub expiry_field: String,
    /// What that field counts. Default: seconds from when the request was sent.
    pub expiry: Expiry,
}

impl Default for ResponseRules {
    fn default() -> Self {
        Self {
            json: Json::default(),
            expiry_field: "expires_in".to_owned(),
            expiry: Expiry::default(),
        }
    }
}

impl ResponseRules {
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.expiry_field.is_empty() {
            return wrong(
                "response.expiry_field",
                "is empty: leave it out for `expires_in`",
            );
        }
        Ok(())
    }
}

/// Which texts count as JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Json {
    /// JSON (RFC 8259).
    #[default]
    Strict,
    /// JSON, and where it is not, one flat object whose keys may stand without quotes.
    Loose,
}

/// What the expiry's field counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expiry {
    /// Seconds from when the request was sent (RFC 6749 §5.1).
    #[default]
    Seconds,
    /// Milliseconds from when the request was sent.
    Milliseconds,
    /// Seconds since 1970, by the server's clock: the answer's `Date` corrects for ours.
    EpochSeconds,
    /// Milliseconds since 1970, likewise.
    EpochMilliseconds,
}

/// The refusal of a token request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ErrorRules {
    /// The fields that may hold the error's code; the first one that is there counts. Default: `error`.
    pub code: Vec<String>,
    /// The fields whose texts a rule may look into. Default: `error_description`.
    pub text: Vec<String>,
    /// Whether a 200 may hold an error. Default: no.
    pub in_success: bool,
    /// What means which class. The first rule that fits counts; after them come the built-in defaults.
    pub map: Vec<ErrorRule>,
}

impl Default for ErrorRules {
    fn default() -> Self {
        Self {
            code: vec!["error".to_owned()],
            text: vec!["error_description".to_owned()],
            in_success: false,
            map: Vec::new(),
        }
    }
}

impl ErrorRules {
    pub(super) fn check(&self) -> Result<(), Error> {
        for rule in &self.map {
            let says = rule.status.is_some() || rule.error.is_some() || rule.text.is_some();
            if !says {
                return wrong(
                    "errors.map",
                    "has a rule that names neither status, error nor text",
                );
            }
        }
        Ok(())
    }
}

/// One line of the map from refusals to classes: fits where everything that it names fits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ErrorRule {
    /// At which grant. `None`: at both.
    #[serde(default)]
    pub grant_type: Option<GrantType>,
    /// With which status.
    #[serde(default)]
    pub status: Option<u16>,
    /// With which error code.
    #[serde(default)]
    pub error: Option<String>,
    /// With which words in one of the error's texts, without regard to case.
    #[serde(default)]
    pub text: Option<String>,
    /// What it means.
    pub class: ClassName,
}

impl ErrorRule {
    /// A rule for this error code, at any grant and status.
    #[must_use]
    pub fn new(error: &str, class: ClassName) -> Self {
        let error = Some(error.to_owned());
        Self {
            grant_type: None,
            status: None,
            error,
            text: None,
            class,
        }
    }
}

/// A [`Class`] by name, without its times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClassName {
    /// [`Class::Transient`].
    Transient,
    /// [`Class::Ambiguous`].
    Ambiguous,
    /// [`Class::Terminal`].
    Terminal,
    /// [`Class::Unexplained`].
    Unexplained,
    /// [`Class::Configuration`].
    Configuration,
}

impl ClassName {
    pub(crate) fn class(self, retry_after: Option<Duration>) -> Class {
        match self {
            Self::Transient => Class::Transient { retry_after },
            Self::Ambiguous => Class::Ambiguous,
            Self::Terminal => Class::Terminal,
            Self::Unexplained => Class::Unexplained,
            Self::Configuration => Class::Configuration,
        }
    }
}
