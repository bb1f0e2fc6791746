//! The loose grammar: one flat object whose keys may have no quotes.

use serde_json::value::RawValue;

/// Returns the members of one flat object, in order, with unparsed values.
///
/// Keys are bare identifiers or strings; values are strings, numbers, booleans and null. Duplicate
/// keys, nesting and trailing text are refused.
pub(super) fn members(text: &str) -> Option<Vec<(String, &str)>> {
    let mut loose = Loose { rest: text };
    let mut members: Vec<(String, &str)> = Vec::new();
    loose.symbol('{')?;
    if loose.symbol('}').is_none() {
        loop {
            let key = loose.key()?;
            loose.symbol(':')?;
            let value = loose.value()?;
            if members.iter().any(|(other, _)| *other == key) {
                return None;
            }
            members.push((key, value));
            if loose.symbol(',').is_none() {
                loose.symbol('}')?;
                break;
            }
        }
    }
    loose.skip_whitespace();
    loose.rest.is_empty().then_some(members)
}

/// The unread part of the text.
struct Loose<'a> {
    rest: &'a str,
}

impl<'a> Loose<'a> {
    fn skip_whitespace(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
    }

    fn symbol(&mut self, symbol: char) -> Option<()> {
        self.skip_whitespace();
        self.rest = self.rest.strip_prefix(symbol)?;
        Some(())
    }

    fn key(&mut self) -> Option<String> {
        self.skip_whitespace();
        if self.rest.starts_with('"') {
            return serde_json::from_str(self.string()?).ok();
        }
        let word = self.word(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '$'));
        let starts_well = word.starts_with(|c: char| !c.is_ascii_digit());
        starts_well.then(|| word.to_owned())
    }

    fn value(&mut self) -> Option<&'a str> {
        self.skip_whitespace();
        if self.rest.starts_with('"') {
            return self.string();
        }
        let word = self.word(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
        json(word)
    }

    /// Reads a string with its quotes.
    fn string(&mut self) -> Option<&'a str> {
        let mut escaped = false;
        let end = self
            .rest
            .bytes()
            .enumerate()
            .skip(1)
            .find_map(|(at, byte)| match byte {
                _ if escaped => {
                    escaped = false;
                    None
                }
                b'\\' => {
                    escaped = true;
                    None
                }
                b'"' => Some(at + 1),
                _ => None,
            })?;
        let (string, rest) = self.rest.split_at(end);
        self.rest = rest;
        json(string)
    }

    fn word(&mut self, part: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !part(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }
}

/// Returns `text` if it is one JSON value: a bare word is none.
fn json(text: &str) -> Option<&str> {
    let raw: &RawValue = serde_json::from_str(text).ok()?;
    Some(raw.get())
}
