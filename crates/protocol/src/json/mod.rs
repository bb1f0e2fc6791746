//! JSON objects, member by member: a member that nothing uses costs nothing.

mod loose;
mod mend;

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Map, Value, value::RawValue};

use crate::dialect::Json;

/// The members of an object, in order, with the JSON text of each value.
///
/// The values are parsed only where they are used: one that `serde_json` cannot hold (a number
/// beyond `f64`, an unpaired surrogate, deep nesting) must not cost the tokens next to it.
///
/// An array has its elements as members, whose names are their indexes. If its only element is an
/// object, it is that object.
pub(crate) struct Object {
    members: Vec<(String, String)>,
    /// Whether it was the only element of an array.
    is_element: bool,
}

/// The value at a path of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found<'o> {
    /// No member has this path.
    Absent,
    /// Two members with different values have this path.
    Twice,
    /// The value's JSON text.
    Value(&'o str),
}

impl Object {
    /// Reads an object. Bytes that are not UTF-8 become `U+FFFD`.
    pub(crate) fn read(body: &[u8], json: Json) -> Option<Self> {
        let text = String::from_utf8_lossy(body);
        let text = unwrap(&text);
        let strict = Self::parse(text);
        strict
            .or_else(|| Self::parse(&mend::strings(text)?))
            .or_else(|| match json {
                Json::Strict => None,
                Json::Loose => loose::members(text).map(Self::own),
            })
    }

    fn parse(text: &str) -> Option<Self> {
        if let Some(members) = members(text) {
            return Some(Self::own(members));
        }
        let elements = serde_json::from_str::<Vec<&RawValue>>(text).ok()?;
        if let [only] = elements[..] {
            let object = Self::own(members(only.get())?);
            let is_element = true;
            return Some(Self {
                is_element,
                ..object
            });
        }
        let elements = elements.iter().map(|element| element.get()).enumerate();
        let named = elements.map(|(at, text)| (at.to_string(), text)).collect();
        let array = Self::own(named);
        let has_object = array
            .members
            .iter()
            .any(|(_, text)| members(text).is_some());
        has_object.then_some(array)
    }

    /// Makes an object whose values are strings.
    pub(crate) fn of_strings(pairs: impl Iterator<Item = (String, String)>) -> Self {
        let members = pairs.map(|(name, value)| (name, Value::String(value).to_string()));
        Self {
            members: members.collect(),
            is_element: false,
        }
    }

    /// Returns the value at a path: names of members, separated by dots. A number selects an
    /// element of an array.
    pub(crate) fn at<'o>(&'o self, path: &str) -> Found<'o> {
        let path = self.own_path(path);
        let own = || self.members.iter().map(|(name, value)| (&**name, &**value));
        let Some((first, rest)) = path.split_once('.') else {
            return only(own(), path);
        };
        rest.split('.').fold(only(own(), first), |found, name| {
            let Found::Value(text) = found else {
                return found;
            };
            match members(text) {
                Some(nested) => only(nested.iter().map(|(own, value)| (&**own, *value)), name),
                None => element(text, name),
            }
        })
    }

    /// Returns the path below this object, which may be the only element of an array.
    pub(crate) fn own_path<'p>(&self, path: &'p str) -> &'p str {
        match path.strip_prefix("0.") {
            Some(below) if self.is_element => below,
            _ => path,
        }
    }

    /// Returns all values. One that `serde_json` cannot hold is kept as its text.
    pub(crate) fn to_map(&self) -> Map<String, Value> {
        let members = self.members.iter();
        members
            .map(|(name, value)| (name.clone(), to_value(value)))
            .collect()
    }

    fn own(members: Vec<(String, &str)>) -> Self {
        let members = members.into_iter();
        let members = members.map(|(name, value)| (name, value.to_owned()));
        Self {
            members: members.collect(),
            is_element: false,
        }
    }
}

impl<'o> Found<'o> {
    /// Returns the text of a string that is not empty.
    pub(crate) fn string(self) -> Option<String> {
        let Self::Value(text) = self else {
            return None;
        };
        let string: String = serde_json::from_str(text).ok()?;
        (!string.is_empty()).then_some(string)
    }

    /// Returns the value; one that `serde_json` cannot hold as its text.
    pub(crate) fn value(self) -> Option<Value> {
        match self {
            Self::Value(text) => Some(to_value(text)),
            Self::Absent | Self::Twice => None,
        }
    }
}

fn to_value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// Returns the value of the one member of this name.
fn only<'n, 'v>(members: impl Iterator<Item = (&'n str, &'v str)>, name: &str) -> Found<'v> {
    members
        .filter(|(own, _)| *own == name)
        .fold(Found::Absent, |found, (_, value)| match found {
            Found::Absent => Found::Value(value),
            Found::Value(first) if first == value => found,
            Found::Value(_) | Found::Twice => Found::Twice,
        })
}

/// Returns an element of a JSON array by its index.
fn element<'v>(text: &'v str, index: &str) -> Found<'v> {
    let elements = serde_json::from_str::<Vec<&'v RawValue>>(text).unwrap_or_default();
    let index = index.parse::<usize>().ok();
    match index.and_then(|index| elements.get(index)) {
        Some(value) => Found::Value(value.get()),
        None => Found::Absent,
    }
}

/// Removes what some frameworks put around JSON: a byte order mark, which RFC 8259 §8.1 allows to
/// ignore, a prefix against inclusion as a script, and NUL bytes or a semicolon at the end.
fn unwrap(text: &str) -> &str {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim_start();
    let mut prefixes = [")]}',", ")]}'", "while(1);", "for(;;);"].iter();
    let inner = prefixes.find_map(|prefix| text.strip_prefix(prefix));
    inner
        .unwrap_or(text)
        .trim_end_matches(|c: char| c.is_ascii_whitespace() || matches!(c, '\0' | ';'))
}

/// Returns the members of a JSON object; `None` if `text` is none.
pub(crate) fn members(text: &str) -> Option<Vec<(String, &str)>> {
    let Members(members) = serde_json::from_str(text).ok()?;
    Some(members)
}

struct Members<'t>(Vec<(String, &'t str)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((name, value)) = map.next_entry::<&RawValue, &RawValue>()? {
            // A name with an unpaired surrogate is kept as its text.
            let name = serde_json::from_str(name.get()).unwrap_or_else(|_| name.get().to_owned());
            members.push((name, value.get()));
        }
        Ok(Members(members))
    }
}
