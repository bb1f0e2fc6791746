//! What stands for codes and refresh tokens in lines and logs.

use std::{
    fmt,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use serde::{Deserialize, Serialize};

/// Stands for a code or refresh token in logs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Mark(pub(crate) u64);

impl Mark {
    pub(crate) fn of(token: &str) -> Self {
        // Its keys are fixed, so it is the same in all processes of one program.
        let mut hasher = DefaultHasher::new();
        token.hash(&mut hasher);
        Self(hasher.finish())
    }

    /// The marks of all codes and refresh tokens of Amiqus in a text, whatever its format: long runs of hexadecimal digits.
    pub(crate) fn all_in(text: &[u8]) -> Vec<Self> {
        let mut marks: Vec<Self> = text
            .split(|byte| !byte.is_ascii_hexdigit())
            .filter(|run| run.len() > 200 && run.starts_with(BEGINNING.as_bytes()))
            .filter_map(|run| std::str::from_utf8(run).ok())
            .map(Self::of)
            .collect();
        marks.dedup();
        marks
    }
}

/// What codes and refresh tokens of Amiqus begin with.
const BEGINNING: &str = "def502";

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0 >> 32)
    }
}

impl fmt::Debug for Mark {
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
            Mark::all_in(text.as_bytes()),
            [Mark::of(&one), Mark::of(&other)]
        );
    }
}
