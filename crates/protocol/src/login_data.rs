//! What a login brings next to its tokens.

use std::{fmt, io};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use zeroize::Zeroize as _;

/// What a login brought next to its tokens: further members of the token response
/// (`instance_url`, `team`, `id_token`) and further parameters of the redirect (`realmId`).
///
/// It belongs to the authorization and lasts as long: a refresh merges the members of its answer
/// into it, and removes none. Members that are `null` count as absent.
///
/// At most [`MAX_BYTES`](Self::MAX_BYTES) are kept. What does not fit is left out, the largest
/// members first, and [`dropped`](Self::dropped) names it: it never costs a token.
///
/// Some members are secrets, so `Debug` shows only names, and texts are wiped when it is dropped.
/// Serialising it writes the values **in plain text**: that form is for a store, which should
/// encrypt it.
///
/// ```
/// use serde_json::json;
/// use tokenkeeper_protocol::LoginData;
///
/// let data = LoginData::default()
///     .with_member("team", json!({"id": "T1", "name": "Acme"}))
///     .with_parameter("realmId", "4620816365");
/// assert_eq!(data.get("team.id"), Some(&json!("T1")));
/// assert_eq!(data.parameter("realmId"), Some("4620816365"));
/// assert!(!format!("{data:?}").contains("Acme"));
/// ```
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginData {
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    answer: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    redirect: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    dropped: Vec<String>,
}

impl LoginData {
    /// The bound on names and values: members as JSON, parameters decoded.
    pub const MAX_BYTES: usize = 64 * 1024;

    /// Takes the members of a login's answer and the parameters of its redirect, within the bound.
    #[must_use]
    pub fn new(answer: Map<String, Value>, redirect: Vec<(String, String)>) -> Self {
        let mut data = Self::default();
        // The answer goes first: anyone can lengthen a redirect.
        data.merge(answer);
        for (name, value) in redirect {
            data = data.with_parameter(name, value);
        }
        data
    }

    /// Puts login data together again from the parts in which it was stored.
    #[must_use]
    pub fn restore(
        answer: Map<String, Value>,
        redirect: Vec<(String, String)>,
        dropped: Vec<String>,
    ) -> Self {
        Self {
            answer,
            redirect,
            dropped,
        }
    }

    /// Adds or replaces a member of the answer, if it fits.
    #[must_use]
    pub fn with_member(mut self, name: impl Into<String>, value: Value) -> Self {
        self.merge(Map::from_iter([(name.into(), value)]));
        self
    }

    /// Adds a parameter of the redirect, if it fits.
    #[must_use]
    pub fn with_parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let (name, value) = (name.into(), value.into());
        if self.bytes() + name.len() + value.len() <= Self::MAX_BYTES {
            self.redirect.push((name, value));
        } else {
            self.drop_member(&name);
        }
        self
    }

    /// Merges the members of a later answer of the same login, as far as they fit.
    ///
    /// A member of the same name is replaced; if both values are objects, they are merged in the
    /// same way. A member that no longer fits keeps its earlier value.
    pub fn merge(&mut self, answer: Map<String, Value>) {
        let answer = answer.into_iter().filter(|(_, value)| !value.is_null());
        let mut members: Vec<_> = answer
            .map(|(name, value)| (member_bytes(&name, &value), name, value))
            .collect();
        if members.is_empty() {
            return;
        }
        members.sort_by_key(|(bytes, ..)| *bytes);
        let mut total = self.bytes();
        for (_, name, value) in members {
            let before = self.answer.get(&name);
            let value = merged(before, value);
            let others = total - before.map_or(0, |before| member_bytes(&name, before));
            let bytes = others + member_bytes(&name, &value);
            if bytes <= Self::MAX_BYTES {
                total = bytes;
                self.dropped.retain(|dropped| *dropped != shorten(&name));
                self.answer.insert(name, value);
            } else {
                self.drop_member(&name);
            }
        }
    }

    /// Returns a member of the answer by its path: dots separate the names of nested members, and
    /// a number selects an element of an array.
    ///
    /// A member whose own name is `path`, dots included, goes first.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Value> {
        if let Some(member) = self.answer.get(path) {
            return Some(member);
        }
        let mut names = path.split('.');
        let mut value = self.answer.get(names.next()?)?;
        for name in names {
            value = match value {
                Value::Object(members) => members.get(name)?,
                Value::Array(elements) => elements.get(name.parse::<usize>().ok()?)?,
                _ => return None,
            };
        }
        Some(value)
    }

    /// Returns the first parameter of the redirect with this name.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let mut parameters = self.parameters();
        parameters.find_map(|(own, value)| (own == name).then_some(value))
    }

    /// Returns the members of the answers.
    #[must_use]
    pub fn answer(&self) -> &Map<String, Value> {
        &self.answer
    }

    /// Returns the parameters of the redirect, in its order, without those of the protocol.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        let parameters = self.redirect.iter();
        parameters.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns the names of what was left out because of the bound, shortened, and the first 32
    /// only. If a name is also a member, the member has an earlier value.
    #[must_use]
    pub fn dropped(&self) -> &[String] {
        &self.dropped
    }

    /// Returns whether the login brought only tokens.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.answer.is_empty() && self.redirect.is_empty() && self.dropped.is_empty()
    }

    /// Returns the size of all members and parameters.
    fn bytes(&self) -> usize {
        let members = self.answer.iter();
        let members: usize = members.map(|(name, value)| member_bytes(name, value)).sum();
        let parameters = self
            .parameters()
            .map(|(name, value)| name.len() + value.len());
        members + parameters.sum::<usize>()
    }

    fn drop_member(&mut self, name: &str) {
        let name = shorten(name);
        if self.dropped.len() < MAX_DROPPED && !self.dropped.iter().any(|known| *known == name) {
            self.dropped.push(name.to_owned());
        }
    }
}

/// The number of dropped members that are named.
const MAX_DROPPED: usize = 32;

/// Cuts off a name that is too long to be listed.
fn shorten(name: &str) -> &str {
    const MAX_NAME: usize = 64;
    let end = name.char_indices().nth(MAX_NAME).map(|(at, _)| at);
    &name[..end.unwrap_or(name.len())]
}

/// Returns `new`, with the members that only `old` has if both are objects.
fn merged(old: Option<&Value>, new: Value) -> Value {
    match (old, new) {
        (Some(Value::Object(old)), Value::Object(new)) => {
            let mut members = old.clone();
            for (name, value) in new {
                let value = merged(old.get(&name), value);
                members.insert(name, value);
            }
            Value::Object(members)
        }
        (Some(old), Value::Null) => old.clone(),
        (_, new) => new,
    }
}

/// Returns the size of a member: its name, and its value as JSON.
fn member_bytes(name: &str, value: &Value) -> usize {
    let mut written = ByteCount(name.len());
    serde_json::to_writer(&mut written, value)
        .expect("a value has string keys, and counting works");
    written.0
}

/// Counts the bytes that are written to it.
struct ByteCount(usize);

impl io::Write for ByteCount {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LoginData {
    fn drop(&mut self) {
        self.answer.values_mut().for_each(wipe);
        self.redirect
            .iter_mut()
            .for_each(|(_, value)| value.zeroize());
    }
}

/// Wipes the texts of a value: some members are secrets. Numbers, names and lengths stay.
fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(elements) => elements.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

impl fmt::Debug for LoginData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parameters = self.parameters().map(|(name, _)| name);
        f.debug_struct("LoginData")
            .field("answer", &self.answer.keys().collect::<Vec<_>>())
            .field("redirect", &parameters.collect::<Vec<_>>())
            .field("dropped", &self.dropped)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_text_of_a_value_is_wiped() {
        let mut value = json!({"id_token": "secret", "list": ["secret", {"deep": "secret"}, 7]});
        wipe(&mut value);
        assert_eq!(
            value,
            json!({"id_token": "", "list": ["", {"deep": ""}, 7]})
        );
    }
}
