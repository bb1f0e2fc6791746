//! A whole URL as a person copies and pastes it.

use url::Url;

use super::{MAX_REDIRECT, RedirectError};

/// Parses a URL with what surrounds it in a text (RFC 3986 appendix C): white space, quotes,
/// brackets, punctuation, and line breaks inside of it.
pub(super) fn parse(text: &str) -> Result<Url, RedirectError> {
    if text.len() > MAX_REDIRECT {
        return Err(RedirectError::TooLarge);
    }
    let text: String = unwrap(text).lines().map(str::trim).collect();
    if text.contains(is_blank) {
        return Err(RedirectError::NotUrl);
    }
    // The source of a page has `&` so, and no authorization response has a parameter `amp;…`.
    match Url::parse(&text.replace("&amp;", "&")) {
        // `localhost:8080/cb` parses as a URL of the scheme `localhost`.
        Ok(url) if !url.cannot_be_a_base() => Ok(url),
        _ => Err(RedirectError::NotUrl),
    }
}

/// Removes what surrounds the URL, from the outside to the inside.
fn unwrap(text: &str) -> &str {
    let text = text.trim_matches(is_blank);
    let mut pairs = PAIRS.iter();
    let inner = pairs
        .find_map(|(open, close)| text.strip_prefix(*open)?.strip_suffix(*close))
        .or_else(|| link_target(text))
        .or_else(|| without_view_source(text))
        .or_else(|| without_mark(text));
    inner.map_or(text, unwrap)
}

/// Returns the target of a Markdown link.
fn link_target(text: &str) -> Option<&str> {
    let (_, target) = text.strip_prefix('[')?.split_once("](")?;
    target.strip_suffix(')')
}

/// Removes the scheme under which browsers show the source of a page.
fn without_view_source(text: &str) -> Option<&str> {
    const SCHEME: &str = "view-source:";
    let (scheme, rest) = text.split_at_checked(SCHEME.len())?;
    scheme.eq_ignore_ascii_case(SCHEME).then_some(rest)
}

/// Removes a mark at the end that belongs to the sentence around the URL.
fn without_mark(text: &str) -> Option<&str> {
    let count = |mark| text.matches(mark).count();
    let closes = |open, close| count(close) > count(open);
    let last = text.chars().next_back()?;
    let is_mark = match last {
        '.' | ',' | ';' | '"' | '>' | '»' | '”' => true,
        ')' => closes('(', ')'),
        ']' => closes('[', ']'),
        _ => false,
    };
    is_mark.then(|| &text[..text.len() - last.len_utf8()])
}

/// Returns whether a character is white space, or one of the invisible ones that editors add.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

const PAIRS: [(char, char); 15] = [
    ('[', ']'),
    ('«', '»'),
    ('»', '«'),
    ('‹', '›'),
    ('›', '‹'),
    ('‚', '‘'),
    ('”', '”'),
    ('<', '>'),
    ('"', '"'),
    ('\'', '\''),
    ('`', '`'),
    ('(', ')'),
    ('“', '”'),
    ('„', '“'),
    ('‘', '’'),
];
