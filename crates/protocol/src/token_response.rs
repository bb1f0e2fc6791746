//! Token responses (RFC 6749 §5.1).

use std::time::SystemTime;

use bytes::Bytes;
use http::Response;
use serde_json::{Map, Value};

use crate::{
    access_token::AccessToken,
    body, classification,
    client::Client,
    clocks::Clocks,
    dialect::{Expiry, ResponseRules},
    grant::GrantType,
    json::{Found, Object},
    refusal::{Class, Refusal},
    secret::RefreshToken,
    token_set::TokenSet,
};

pub(crate) fn read(
    client: &Client,
    grant_type: GrantType,
    response: &Response<Bytes>,
    sent_at: SystemTime,
) -> Result<TokenSet, Refusal> {
    let object = body::object(client.dialect(), response);
    // An access token counts even next to an error: tokens that were issued are never lost.
    if let Some(object) = &object
        && response.status().is_success()
    {
        let dialect = client.dialect();
        let rules = &dialect.response;
        let members = Members {
            object,
            rules,
            scope_separator: dialect.response_scope_separator(),
            at: rules.tokens_at(grant_type),
        };
        let clocks = Clocks::of(response, sent_at);
        match members.token_set(clocks) {
            Ok(Some(tokens)) => return Ok(tokens),
            Ok(None) => {}
            Err(Unreadable) => return Err(Refusal::of(Class::Ambiguous, response)),
        }
    }
    Err(classification::classify(
        client,
        grant_type,
        response,
        object.as_ref(),
        sent_at,
    ))
}

/// A token that is not one clean JSON string.
struct Unreadable;

/// The members of a response under the names of a dialect.
struct Members<'a> {
    object: &'a Object,
    rules: &'a ResponseRules,
    scope_separator: &'a str,
    /// The path of the object with the tokens; empty for the whole response.
    at: &'a str,
}

impl Members<'_> {
    /// Returns the tokens; `None` if the response has no access token.
    fn token_set(&self, clocks: Clocks) -> Result<Option<TokenSet>, Unreadable> {
        let rules = self.rules;
        let Some(access_token) = self.token(&rules.access_token_field)? else {
            return Ok(None);
        };
        let mut extra = self.object.to_map();
        let refresh_token = self.refresh_token()?;
        remove(&mut extra, &self.path(&rules.access_token_field));
        remove(&mut extra, &self.path(&rules.refresh_token_field));
        let token_type = match self.find(&rules.token_type_field) {
            // Which of two types holds is unknown, and the wrong one must not be attached.
            Found::Twice => return Err(Unreadable),
            _ => self.take(&mut extra, &rules.token_type_field, token_type),
        };
        let expires_at = self.take(&mut extra, &rules.expiry_field, |value| {
            clocks.time(value, rules.expiry)
        });
        let refresh_expires_at = rules.refresh_expiry_fields.iter().find_map(|name| {
            self.take(&mut extra, name, |value| {
                clocks.refresh_time(value, rules.refresh_expiry)
            })
        });
        Ok(Some(TokenSet {
            access_token: AccessToken::new(access_token),
            refresh_token: refresh_token.map(RefreshToken::new),
            token_type,
            issued_at: clocks.sent_at,
            expires_at: expires_at.or_else(|| clocks.after(rules.default_lifetime()?)),
            refresh_at: self.take(&mut extra, "refresh_in", |value| {
                clocks.time(value, Expiry::Seconds)
            }),
            refresh_expires_at,
            scope: self.take(&mut extra, &rules.scope_field, |value| {
                scope(value, self.scope_separator)
            }),
            extra,
        }))
    }

    /// Returns the refresh token. A number or a boolean is none, and costs no access token.
    fn refresh_token(&self) -> Result<Option<String>, Unreadable> {
        let field = &self.rules.refresh_token_field;
        match self.find(field) {
            Found::Value(text) if !text.starts_with(['"', '[', '{']) => Ok(None),
            _ => self.token(field),
        }
    }

    /// Returns a token. `null`, `false`, `""`, `[]` and `{}` are none; anything else but one clean
    /// string is unreadable.
    fn token(&self, field: &str) -> Result<Option<String>, Unreadable> {
        match self.find(field) {
            Found::Absent | Found::Value("null" | "false" | r#""""#) => Ok(None),
            Found::Value(text) if is_empty(text) => Ok(None),
            Found::Twice => Err(Unreadable),
            Found::Value(text) => match serde_json::from_str::<String>(text) {
                Ok(token) if !token.contains(char::REPLACEMENT_CHARACTER) => Ok(Some(token)),
                _ => Err(Unreadable),
            },
        }
    }

    /// Moves a member out of `extra` if it can be read. `null` and `""` count as absent; an
    /// unreadable value stays.
    fn take<T>(
        &self,
        extra: &mut Map<String, Value>,
        field: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.find(field).value()?;
        if value.is_null() || value.as_str() == Some("") {
            remove(extra, &self.path(field));
            return None;
        }
        let read = read(&value)?;
        remove(extra, &self.path(field));
        Some(read)
    }

    fn find(&self, field: &str) -> Found<'_> {
        self.object.at(&self.path(field))
    }

    /// Returns the path of a member from the top of the response.
    fn path(&self, field: &str) -> String {
        let path = match self.at {
            "" => field.to_owned(),
            at => format!("{at}.{field}"),
        };
        self.object.own_path(&path).to_owned()
    }
}

/// Returns the token type; one that is no string is kept as its text, since no such type is known.
fn token_type(value: &Value) -> Option<String> {
    Some(match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    })
}

/// Returns whether this is an empty array or object, which some languages write for an empty value.
fn is_empty(text: &str) -> bool {
    let inside = |open, close| text.strip_prefix(open)?.strip_suffix(close);
    let inside = inside('[', ']').or_else(|| inside('{', '}'));
    inside.is_some_and(|inside| inside.trim().is_empty())
}

/// Returns the scope, with single spaces between its parts.
pub(crate) fn scope(value: &Value, separator: &str) -> Option<String> {
    let separates = |c: char| c.is_ascii_whitespace() || separator.contains(c);
    let scope = match value {
        Value::String(text) => {
            let parts = text.split(separates).filter(|part| !part.is_empty());
            parts.collect::<Vec<_>>().join(" ")
        }
        Value::Array(parts) => {
            let parts: Option<Vec<&str>> = parts.iter().map(Value::as_str).collect();
            parts?.join(" ")
        }
        _ => return None,
    };
    (!scope.contains(char::REPLACEMENT_CHARACTER)).then_some(scope)
}

/// Removes the value at a path. An element of an array becomes `null`, so that the others keep
/// their index.
fn remove(map: &mut Map<String, Value>, path: &str) {
    let Some((first, rest)) = path.split_once('.') else {
        map.remove(path);
        return;
    };
    let (above, last) = rest.rsplit_once('.').unwrap_or(("", rest));
    let mut names = above.split('.').filter(|name| !name.is_empty());
    let parent = map
        .get_mut(first)
        .and_then(|value| names.try_fold(value, below));
    match parent {
        Some(Value::Object(parent)) => {
            parent.remove(last);
        }
        Some(parent) => {
            if let Some(element) = below(parent, last) {
                *element = Value::Null;
            }
        }
        None => {}
    }
}

/// Returns a member of an object or an element of an array.
fn below<'v>(value: &'v mut Value, name: &str) -> Option<&'v mut Value> {
    match value {
        Value::Object(members) => members.get_mut(name),
        Value::Array(elements) => elements.get_mut(name.parse::<usize>().ok()?),
        _ => None,
    }
}
