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
pub(super) struct Pairs(pub(super) Vec<(String, String)>);

impl Pairs {
    /// Decodes each name and value once.
    pub(super) fn decode(text: &str, encoding: Encoding) -> Result<Self, RedirectError> {
        let decode = |part: &str| -> Option<String> {
            let part = match encoding {
                Encoding::Form => Cow::Owned(part.replace('+', " ")),
                Encoding::Percent => Cow::Borrowed(part),
            };
            Some(percent_decode_str(&part).decode_utf8().ok()?.into_owned())
        };
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(name)?, decode(value)?))
        });
        let pairs: Option<_> = pairs.collect();
        pairs.map(Self).ok_or(RedirectError::Malformed)
    }

    /// Returns the value under `name`, where an empty one counts as absent (RFC 6749 §3.1), or
    /// `repeated` if there are several.
    pub(super) fn one(
        &self,
        name: &str,
        repeated: RedirectError,
    ) -> Result<Option<&str>, RedirectError> {
        let mut values = self.0.iter().filter(|(own, _)| own == name);
        let first = values.next().map(|(_, value)| value.as_str());
        match values.next() {
            None => Ok(first.filter(|value| !value.is_empty())),
            Some(_) => Err(repeated),
        }
    }

    /// Returns whether there is a parameter of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(own, _)| own == name)
    }
}
