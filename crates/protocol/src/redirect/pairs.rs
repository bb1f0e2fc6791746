//! The parameters of an authorization response, decoded.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::RedirectError;

/// The encoding of an authorization response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// `application/x-www-form-urlencoded`: `+` is a space.
    Form,
    /// Percent-encoding only: `+` stands for itself.
    Percent,
}

/// The decoded parameters of a redirect, in order.
pub(super) struct Pairs(Vec<Pair>);

struct Pair {
    name: String,
    value: String,
    /// Whether the value decodes to UTF-8.
    is_utf8: bool,
}

impl Pairs {
    /// Decodes each name and value once. Bytes that are not UTF-8 become `U+FFFD`: they cost
    /// nothing in a parameter that is not used.
    pub(super) fn decode(text: &str, encoding: Encoding) -> Self {
        let decode = |part: &str| {
            let part = match encoding {
                Encoding::Form => Cow::Owned(part.replace('+', " ")),
                Encoding::Percent => Cow::Borrowed(part),
            };
            let bytes: Cow<'_, [u8]> = percent_decode_str(&part).into();
            let is_utf8 = std::str::from_utf8(&bytes).is_ok();
            (String::from_utf8_lossy(&bytes).into_owned(), is_utf8)
        };
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, _) = decode(name);
            let (value, is_utf8) = decode(value);
            Pair {
                name,
                value,
                is_utf8,
            }
        });
        Self(pairs.collect())
    }

    /// Returns the value as [`one`](Self::one), which must be UTF-8.
    pub(super) fn one_clean(
        &self,
        name: &str,
        repeated: RedirectError,
    ) -> Result<Option<&str>, RedirectError> {
        let value = self.one(name, repeated)?;
        let mut pairs = self.0.iter().filter(|pair| pair.name == name);
        match pairs.all(|pair| pair.is_utf8) {
            true => Ok(value),
            false => Err(RedirectError::Malformed),
        }
    }

    /// Returns the value under `name`, where an empty one counts as absent (RFC 6749 §3.1), or
    /// `repeated` if there are several.
    pub(super) fn one(
        &self,
        name: &str,
        repeated: RedirectError,
    ) -> Result<Option<&str>, RedirectError> {
        let mut values = self.0.iter().filter(|pair| pair.name == name);
        let first = values.next().map(|pair| pair.value.as_str());
        match values.next() {
            None => Ok(first.filter(|value| !value.is_empty())),
            Some(_) => Err(repeated),
        }
    }

    /// Returns whether there is a parameter of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|pair| pair.name == name)
    }

    /// Returns the names and values.
    pub(super) fn into_pairs(self) -> impl Iterator<Item = (String, String)> {
        self.0.into_iter().map(|pair| (pair.name, pair.value))
    }
}
