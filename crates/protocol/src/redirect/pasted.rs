//! A whole URL as a person copies and pastes it.

use url::Url;

use super::{MAX_REDIRECT, RedirectError};

/// Parses a URL with what surrounds it in a text (RFC 3986 appendix C): white space, quotes, angle
/// brackets, and line breaks inside of it.
pub(super) fn parse(text: &str) -> Result<Url, RedirectError> {
    if text.len() > MAX_REDIRECT {
        return Err(RedirectError::TooLarge);
    }
    let text: String = unwrap(text).lines().map(str::trim).collect();
    if text.contains(is_blank) {
        return Err(RedirectError::NotUrl);
    }
    match Url::parse(&text) {
        // `localhost:8080/cb` parses as a URL of the scheme `localhost`.
        Ok(url) if !url.cannot_be_a_base() => Ok(url),
        _ => Err(RedirectError::NotUrl),
    }
}

/// Removes blanks, and pairs of quotes and brackets, from both ends.
fn unwrap(text: &str) -> &str {
    let text = text.trim_matches(is_blank);
    let inner = PAIRS
        .iter()
        .find_map(|(open, close)| text.strip_prefix(*open)?.strip_suffix(*close));
    inner.map_or(text, unwrap)
}

/// Returns whether a character is white space, or one of the invisible ones that editors add.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

const PAIRS: [(char, char); 8] = [
    ('<', '>'),
    ('"', '"'),
    ('\'', '\''),
    ('`', '`'),
    ('(', ')'),
    ('“', '”'),
    ('„', '“'),
    ('‘', '’'),
];
