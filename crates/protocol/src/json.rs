//! JSON objects: strict by default, loose if a dialect allows it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, value::RawValue};

use crate::dialect::Json;

/// Parses `body` as a JSON object.
///
/// A value that `serde_json` cannot hold (a number beyond `f64`, nesting beyond its limit) is kept
/// as its text: it must not cost the tokens next to it.
pub(crate) fn object(body: &[u8], json: Json) -> Option<Map<String, Value>> {
    // Some frameworks write a byte order mark, which RFC 8259 §8.1 allows to ignore.
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    strict(body).or_else(|| match json {
        Json::Strict => None,
        Json::Loose => Loose::read(std::str::from_utf8(body).ok()?),
    })
}

/// Returns a field that is a string and not empty.
pub(crate) fn text<'f>(fields: &'f Map<String, Value>, name: &str) -> Option<&'f str> {
    fields.get(name)?.as_str().filter(|text| !text.is_empty())
}

fn strict(body: &[u8]) -> Option<Map<String, Value>> {
    let raw: BTreeMap<String, &RawValue> = serde_json::from_slice(body).ok()?;
    Some(
        raw.into_iter()
            .map(|(name, raw)| (name, value(raw.get())))
            .collect(),
    )
}

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// A parser of one flat object. Keys are bare identifiers or strings; values are strings, numbers,
/// booleans and null. Duplicate keys, nesting and trailing text are refused.
struct Loose<'a> {
    rest: &'a str,
}

impl<'a> Loose<'a> {
    fn read(text: &'a str) -> Option<Map<String, Value>> {
        let mut loose = Loose { rest: text };
        let mut map = Map::new();
        loose.symbol('{')?;
        if loose.symbol('}').is_none() {
            loop {
                let key = loose.key()?;
                loose.symbol(':')?;
                if map.insert(key, loose.value()?).is_some() {
                    return None;
                }
                if loose.symbol(',').is_none() {
                    loose.symbol('}')?;
                    break;
                }
            }
        }
        loose.skip_whitespace();
        loose.rest.is_empty().then_some(map)
    }

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
            return self.string();
        }
        let word = self.word(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '$'));
        let starts_well = word.starts_with(|c: char| !c.is_ascii_digit());
        starts_well.then(|| word.to_owned())
    }

    fn value(&mut self) -> Option<Value> {
        self.skip_whitespace();
        if self.rest.starts_with('"') {
            return self.string().map(Value::String);
        }
        let word = self.word(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
        // `RawValue` checks the grammar and not the range; a bare word or a nested value fails
        // here.
        let raw: &RawValue = serde_json::from_str(word).ok()?;
        Some(value(raw.get()))
    }

    fn string(&mut self) -> Option<String> {
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
        serde_json::from_str(string).ok()
    }

    fn word(&mut self, part: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !part(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }
}
