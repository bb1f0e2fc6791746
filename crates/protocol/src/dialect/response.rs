//! The meaning of token responses.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::check::wrong;
use crate::{error::Error, grant::GrantType, refusal::Class};

/// The response to a token request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ResponseRules {
    /// The accepted syntax of JSON.
    pub json: Json,
    /// The field with the expiry. Default: `expires_in`.
    pub expiry_field: String,
    /// The unit of that field. Default: seconds since the request was sent.
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
                "is empty: remove it for `expires_in`",
            );
        }
        Ok(())
    }
}

/// The accepted syntax of JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Json {
    /// JSON (RFC 8259).
    #[default]
    Strict,
    /// JSON, otherwise one flat object whose keys may have no quotes.
    Loose,
}

/// The unit of the expiry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expiry {
    /// Seconds since the request was sent (RFC 6749 §5.1).
    #[default]
    Seconds,
    /// Milliseconds since the request was sent.
    Milliseconds,
    /// Seconds since 1970 by the server's clock; the response's `Date` corrects for ours.
    EpochSeconds,
    /// Milliseconds since 1970, likewise.
    EpochMilliseconds,
}

/// The error response to a token request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ErrorRules {
    /// The fields that may hold the error code; the first one present counts. Default: `error`.
    pub code: Vec<String>,
    /// The fields whose texts a rule may search. Default: `error_description`.
    pub text: Vec<String>,
    /// Whether a 200 may hold an error. Default: no.
    pub in_success: bool,
    /// The rules that classify errors. The first match counts; the built-in defaults come last.
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
            let criteria = rule.status.is_some() || rule.error.is_some() || rule.text.is_some();
            if !criteria {
                return wrong(
                    "errors.map",
                    "has a rule without status, error and text: name one of them",
                );
            }
        }
        Ok(())
    }
}

/// A rule that classifies errors. It matches if everything that it names matches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ErrorRule {
    /// The grant type. `None`: both.
    #[serde(default)]
    pub grant_type: Option<GrantType>,
    /// The status. `None`: any.
    #[serde(default)]
    pub status: Option<u16>,
    /// The error code. `None`: any.
    #[serde(default)]
    pub error: Option<String>,
    /// A part of one of the error's texts, without regard to case. `None`: any text.
    #[serde(default)]
    pub text: Option<String>,
    /// The class of such an error.
    pub class: ClassName,
}

impl ErrorRule {
    /// Makes a rule for this error code, at any grant type and status.
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

/// The name of a [`Class`], without its times.
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
