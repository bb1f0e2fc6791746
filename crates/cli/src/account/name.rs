//! How a command names an account.

use std::{fmt, str::FromStr};

/// An account as a person writes it: `PROVIDER`, or `PROVIDER/NAME` if there are several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AccountName {
    pub(crate) provider: String,
    /// The subject in the store.
    pub(crate) subject: String,
}

impl AccountName {
    /// The name of an account that has none.
    pub(crate) const DEFAULT: &str = "default";

    pub(crate) fn new(provider: &str, subject: Option<&str>) -> Self {
        Self {
            provider: provider.to_owned(),
            subject: subject.unwrap_or(Self::DEFAULT).to_owned(),
        }
    }
}

impl FromStr for AccountName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (provider, subject) = match text.split_once('/') {
            Some((provider, subject)) => (provider, Some(subject)),
            None => (text, None),
        };
        if provider.is_empty() || subject == Some("") {
            return Err("write PROVIDER or PROVIDER/NAME");
        }
        Ok(Self::new(provider, subject))
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.subject == Self::DEFAULT {
            return f.write_str(&self.provider);
        }
        write!(f, "{}/{}", self.provider, self.subject.escape_debug())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_provider_and_perhaps_an_account() {
        for (text, provider, subject) in [
            ("amiqus", "amiqus", "default"),
            ("amiqus/work", "amiqus", "work"),
            ("amiqus/a/b", "amiqus", "a/b"),
        ] {
            let name: AccountName = text.parse().unwrap();
            assert_eq!((&*name.provider, &*name.subject), (provider, subject));
            assert_eq!(name.to_string(), text);
        }
        for text in ["", "/", "/work", "amiqus/"] {
            assert!(text.parse::<AccountName>().is_err(), "{text}");
        }
    }
}
