//! Error responses and the rules that classify them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::check::{self, wrong};
use crate::{error::Error, grant::GrantType, refusal::Class};

/// The error response to a token request.
///
/// Paths are those of [`ResponseRules`](super::ResponseRules), and start at the whole response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ErrorRules {
    /// The paths that may hold the error code, a string or an integer. Among those present, the
    /// first with a code that a rule names counts, otherwise the first with a code that is
    /// registered for OAuth, otherwise the first. Default: `error`, `error.code`, `code`.
    ///
    /// A 2xx without tokens is a refusal if `error`, or a path that the dialect itself lists, holds
    /// anything but `null`, `false`, 0 and `""`.
    pub code: Vec<String>,
    /// The paths whose texts a rule may search. Default: `error_description`, `error.message`.
    pub text: Vec<String>,
    /// The rules that classify errors. The first match counts; the built-in defaults come last.
    ///
    /// A rule without a grant type also reads the response to a revocation: a transient or an
    /// ambiguous error makes it [unavailable](crate::RevocationOutcome::Unavailable).
    pub map: Vec<ErrorRule>,
}

impl Default for ErrorRules {
    fn default() -> Self {
        let owned = |paths: &[&str]| paths.iter().map(|&path| path.to_owned()).collect();
        Self {
            code: owned(&["error", "error.code", "code"]),
            text: owned(&["error_description", "error.message"]),
            map: Vec::new(),
        }
    }
}

impl ErrorRules {
    /// Returns the paths whose content makes a 2xx without tokens a refusal.
    pub(crate) fn in_success(&self) -> Vec<&str> {
        // `code` alone is a status in many successful responses: `{"code":0,"data":{…}}`.
        let listed = self.code != Self::default().code;
        let own = self.code.iter().filter(|_| listed).map(String::as_str);
        ["error"].into_iter().chain(own).collect()
    }

    pub(in super::super) fn check(&self) -> Result<(), Error> {
        for (field, paths) in [("errors.code", &self.code), ("errors.text", &self.text)] {
            paths.iter().try_for_each(|path| check::path(field, path))?;
        }
        let searches_text = self.map.iter().any(|rule| rule.text.is_some());
        if self.code.is_empty() {
            return wrong("errors.code", "lists no path: remove it for the default");
        }
        if self.text.is_empty() && searches_text {
            return wrong(
                "errors.text",
                "lists no path, and a rule of `errors.map` searches the texts: name one",
            );
        }
        for (at, rule) in self.map.iter().enumerate() {
            let field = format!("errors.map[{at}]");
            rule.check(&field)?;
            if self.map[..at].iter().any(|earlier| earlier.covers(rule)) {
                return wrong(
                    field,
                    "has a rule that never counts, since an earlier one matches whenever it does: \
                     remove it, or move it to the front",
                );
            }
        }
        Ok(())
    }

    /// Returns whether a rule that looks at [`code`](Self::code) names this error code.
    pub(crate) fn names(&self, code: &str) -> bool {
        let mut rules = self.map.iter().filter(|rule| rule.at.is_none());
        rules.any(|rule| rule.error.as_deref() == Some(code))
    }
}

/// A rule that classifies errors. It matches if everything that it names matches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ErrorRule {
    /// The grant type. `None`: all.
    #[serde(default)]
    pub grant_type: Option<GrantType>,
    /// The status. `None`: any.
    #[serde(default)]
    pub status: Option<u16>,
    /// The error code; an integer as its digits. `None`: any.
    #[serde(default)]
    pub error: Option<String>,
    /// The path of the error code for this rule. `None`: those of [`ErrorRules::code`].
    #[serde(default)]
    pub at: Option<String>,
    /// Whether the rule is for responses without an error code: an empty body, or an object that
    /// has none. An HTML page is not one, since it may come from a proxy.
    #[serde(default)]
    pub without_code: bool,
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
        Self {
            error: Some(error.to_owned()),
            ..Self::of(class)
        }
    }

    /// Makes a rule for responses with this status and no error code, at any grant type.
    #[must_use]
    pub fn without_code(status: u16, class: ClassName) -> Self {
        Self {
            status: Some(status),
            without_code: true,
            ..Self::of(class)
        }
    }

    fn of(class: ClassName) -> Self {
        Self {
            grant_type: None,
            status: None,
            error: None,
            at: None,
            without_code: false,
            text: None,
            class,
        }
    }

    /// Returns whether this rule matches whenever `other` does.
    fn covers(&self, other: &Self) -> bool {
        fn fits<T: PartialEq>(own: Option<&T>, other: Option<&T>) -> bool {
            own.is_none() || own == other
        }
        let code = self.error.is_none() || (&self.error, &self.at) == (&other.error, &other.at);
        let text = self.text.as_ref().is_none_or(|own| {
            let other = other.text.as_ref().map(|text| text.to_lowercase());
            other.is_some_and(|other| other.contains(&own.to_lowercase()))
        });
        fits(self.grant_type.as_ref(), other.grant_type.as_ref())
            && fits(self.status.as_ref(), other.status.as_ref())
            && code
            && (!self.without_code || other.without_code)
            && text
    }

    fn check(&self, field: &str) -> Result<(), Error> {
        let is_empty = |text: &Option<String>| text.as_ref().is_some_and(|t| t.trim().is_empty());
        let busy = matches!(self.status, Some(429 | 503)) && self.class == ClassName::Terminal;
        let problem = if is_empty(&self.error) {
            "has a rule with an empty `error`: remove it, or use `without_code`"
        } else if is_empty(&self.text) {
            "has a rule with an empty `text`, which every text holds: remove it"
        } else if self.status.is_some_and(|s| !(200..=599).contains(&s)) {
            "has a rule with a status that no response has: name one from 200 to 599"
        } else if busy && self.error.is_none() && self.text.is_none() {
            "has a rule that ends a login because the server is busy: name an error code or a \
             text, or another class"
        } else if self.without_code && self.error.is_some() {
            "has a rule with both `error` and `without_code`: remove one of them"
        } else if self.without_code && self.status.is_none() {
            "has a rule with `without_code` and no status: name the status, since a proxy's \
             response has no code either"
        } else if self.at.is_some() && self.error.is_none() {
            "has a rule with `at` and without `error`: name the code that is there"
        } else if self.class.is_of_polls() && self.grant_type != Some(GrantType::DeviceCode) {
            "has a rule whose class is for polls alone: add `grant_type = \"device_code\"`"
        } else if self.status.is_none() && self.error.is_none() && self.text.is_none() {
            "has a rule without status, error and text: name one of them"
        } else {
            return match &self.at {
                Some(path) => check::path(field, path),
                None => Ok(()),
            };
        };
        wrong(field, problem)
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
    /// [`Class::Pending`].
    Pending,
    /// [`Class::SlowDown`].
    SlowDown,
}

impl ClassName {
    /// Returns whether only a poll with a device code can have the class.
    fn is_of_polls(self) -> bool {
        matches!(self, Self::Pending | Self::SlowDown)
    }

    pub(crate) fn class(self, retry_after: Option<Duration>) -> Class {
        match self {
            Self::Transient => Class::Transient { retry_after },
            Self::Ambiguous => Class::Ambiguous,
            Self::Terminal => Class::Terminal,
            Self::Unexplained => Class::Unexplained,
            Self::Configuration => Class::Configuration,
            Self::Pending => Class::Pending,
            Self::SlowDown => Class::SlowDown,
        }
    }
}
