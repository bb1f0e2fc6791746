//! The values that placeholders stand for.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{
    check::{repeats, wrong},
    template::{Place, is_name},
};
use crate::error::Error;

/// A value that placeholders of this dialect stand for.
///
/// A value comes from the account's site, if the dialect's [`site`](crate::Dialect::site) holds
/// it; otherwise from [`Registration::value`](crate::Registration::value); otherwise it is the
/// default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ValueRules {
    /// The form of the value.
    pub pattern: ValuePattern,
    /// The value if there is no other. Default: none, and the value is required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
}

/// The form of a value, which confines what it can change.
///
/// In text: `"label"` or another name, or `{ one_of = ["com", "eu"] }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValuePattern {
    /// One label of a host name: letters, digits and `-`. Upper case is lowered.
    Label,
    /// Labels separated by dots. Upper case is lowered.
    Host,
    /// Letters, digits, `_` and `-`; not in a host.
    Word,
    /// Decimal digits.
    Digits,
    /// Visible ASCII; only in headers and parameters.
    Text,
    /// One of these texts.
    OneOf(Vec<String>),
}

/// The names that a value cannot have: those of what a request carries anyway.
const RESERVED: [&str; 12] = [
    "access_token",
    "client_id",
    "client_secret",
    "code",
    "code_verifier",
    "grant_type",
    "redirect_uri",
    "refresh_token",
    "response_type",
    "scope",
    "state",
    "value",
];

/// The most bytes of a value.
const LONGEST: usize = 1024;

impl ValueRules {
    /// Makes the rules of a required value.
    #[must_use]
    pub fn new(pattern: ValuePattern) -> Self {
        let default = None;
        Self { pattern, default }
    }

    pub(super) fn check(&self, name: &str) -> Result<(), Error> {
        let field = || format!("values.{name}");
        if !is_name(name) || RESERVED.contains(&name) {
            return wrong(
                field(),
                "must have another name: lower-case letters, digits and `_`, not one of OAuth's",
            );
        }
        if let ValuePattern::OneOf(texts) = &self.pattern
            && (texts.is_empty() || repeats(texts.iter()) || !texts.iter().all(|t| is_visible(t)))
        {
            return wrong(
                field() + ".pattern",
                "must list different texts of visible ASCII in `one_of`",
            );
        }
        match &self.default {
            Some(default) if self.pattern.read(default).is_none() => {
                wrong(field() + ".default", "must have the form of `pattern`")
            }
            _ => Ok(()),
        }
    }
}

impl ValuePattern {
    /// Returns the value in its normal form. `None`: it has another form.
    pub(crate) fn read<'t>(&self, text: &'t str) -> Option<Cow<'t, str>> {
        let fits = match self {
            Self::Label => !text.contains('.') && is_host(text),
            Self::Host => is_host(text),
            Self::Word => is_word(text),
            Self::Digits => text.bytes().all(|b| b.is_ascii_digit()),
            Self::Text => is_visible(text),
            Self::OneOf(texts) => texts.iter().any(|own| own == text),
        };
        if !fits || text.is_empty() || text.len() > LONGEST {
            return None;
        }
        Some(match self {
            Self::Label | Self::Host if text.bytes().any(|b| b.is_ascii_uppercase()) => {
                text.to_ascii_lowercase().into()
            }
            _ => text.into(),
        })
    }

    /// Returns whether no value of this form can break out of this place.
    pub(super) fn fits(&self, place: Place) -> bool {
        match (place, self) {
            (Place::Fixed, _) | (Place::Host, Self::Word) => false,
            (Place::Host | Place::Path, Self::Text) => false,
            (Place::Host, Self::OneOf(texts)) => texts
                .iter()
                .all(|text| is_host(text) && !text.bytes().any(|b| b.is_ascii_uppercase())),
            (Place::Path, Self::OneOf(texts)) => {
                texts.iter().all(|text| is_host(text) || is_word(text))
            }
            _ => true,
        }
    }

    /// Returns some value of this form.
    pub(super) fn sample(&self) -> &str {
        match self {
            Self::Label | Self::Word | Self::Text => "a",
            Self::Host => "a.a",
            Self::Digits => "1",
            Self::OneOf(texts) => texts.first().map_or("a", String::as_str),
        }
    }
}

fn is_host(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

fn is_visible(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic())
}
