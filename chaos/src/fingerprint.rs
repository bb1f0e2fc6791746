//! Fingerprints of codes and refresh tokens, for events and logs.

use std::{
    fmt,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use serde::{Deserialize, Serialize};

/// A hash that stands for a code or a refresh token.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Fingerprint(pub(crate) u64);

impl Fingerprint {
    pub(crate) fn of(token: &str) -> Self {
        // Its keys are fixed, so the hash is the same in all processes of one program.
        let mut hasher = DefaultHasher::new();
        token.hash(&mut hasher);
        Self(hasher.finish())
    }

    /// Finds all codes and refresh tokens of Amiqus in a text: long runs of hexadecimal digits.
    pub(crate) fn all_in(text: &[u8]) -> Vec<Self> {
        let mut fingerprints: Vec<Self> = text
            .split(|byte| !byte.is_ascii_hexdigit())
            .filter(|run| run.len() > 200 && run.starts_with(BEGINNING.as_bytes()))
            .filter_map(|run| std::str::from_utf8(run).ok())
            .map(Self::of)
            .collect();
        fingerprints.dedup();
        fingerprints
    }
}

/// The prefix of Amiqus's codes and refresh tokens.
const BEGINNING: &str = "def502";

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0 >> 32)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refresh_tokens_are_found_in_any_text() {
        let (one, other) = (
            format!("def502{}", "0a".repeat(100)),
            format!("def502{}", "1b".repeat(100)),
        );
        let text = format!(r#"{{"x":"{one}","y":["eyJ0.abc","{other}"],"def502":1}}"#);
        assert_eq!(
            Fingerprint::all_in(text.as_bytes()),
            [Fingerprint::of(&one), Fingerprint::of(&other)]
        );
    }
}
