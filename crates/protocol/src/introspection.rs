//! Responses to introspection requests (RFC 7662 §2.2).

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Map, Value};

use crate::{
    body, classification, client::Client, clocks::Clocks, dialect::Expiry, error_code::ErrorCode,
    json::Object, rate_limit, token_response,
};

/// What a provider says about a token that it was asked about.
///
/// Of a token that is not active, nothing else is known. `Debug` shows no name of a person, and of
/// further members only their names.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Introspection {
    /// Whether the token is valid now. RFC 7662 requires this member; a response that describes a
    /// token without it, as `tokeninfo` endpoints do, describes a valid one.
    pub active: bool,
    /// The scope, with spaces between its parts.
    pub scope: Option<String>,
    /// The expiry: `exp`, `expires_at` or `expires_in`.
    pub expires_at: Option<SystemTime>,
    /// The client that the token was issued to.
    pub client_id: Option<String>,
    /// The name of the person who granted it, for people to read.
    pub username: Option<String>,
    /// The provider's identifier of that person (`sub`).
    pub subject: Option<String>,
    /// Every other member.
    pub extra: Map<String, Value>,
}

impl fmt::Debug for Introspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Introspection")
            .field("active", &self.active)
            .field("scope", &self.scope)
            .field("expires_at", &self.expires_at)
            .field("client_id", &self.client_id)
            .field("extra", &self.extra.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// The error for a response that says nothing about the token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IntrospectionError {
    /// The server refused the request, most likely because of the client.
    #[error(
        "the introspection was refused ({}): check client id and secret",
        shown(*.status, .code)
    )]
    Refused {
        /// The status of the response.
        status: StatusCode,
        /// The error code of the response, if it has one.
        code: Option<ErrorCode>,
    },
    /// The server did not answer the question: ask again later.
    #[error("the introspection endpoint is unavailable: ask again later")]
    Unavailable {
        /// How long to wait, if the response says so.
        retry_after: Option<Duration>,
    },
    /// A 2xx that describes no token.
    #[error("the response to the introspection ({status}) cannot be read: is the endpoint right?")]
    Unreadable {
        /// The status of the response.
        status: StatusCode,
    },
}

fn shown(status: StatusCode, code: &Option<ErrorCode>) -> String {
    match code {
        Some(code) => format!("{status}, {code}"),
        None => status.to_string(),
    }
}

pub(crate) fn read(
    client: &Client,
    response: &Response<Bytes>,
    sent_at: SystemTime,
) -> Result<Introspection, IntrospectionError> {
    let (dialect, status) = (client.dialect(), response.status());
    if matches!(status.as_u16(), 408 | 429 | 500..=599) {
        let names = &dialect.resource.rate_limit;
        let limit = rate_limit::read(names, response.headers(), Some(sent_at));
        let retry_after = limit.retry_after;
        return Err(IntrospectionError::Unavailable { retry_after });
    }
    let object = body::object(dialect, response);
    let refuses = |object: &Object| classification::refuses(dialect, object);
    if status.is_success() && !object.as_ref().is_some_and(refuses) {
        let described = object.and_then(|object| {
            let clocks = Clocks::of(response, sent_at);
            described(client, object.to_map(), clocks)
        });
        return described.ok_or(IntrospectionError::Unreadable { status });
    }
    let code = object.and_then(|object| classification::code(dialect, &object));
    // `tokeninfo` endpoints refuse a request about a token that is not valid.
    if code.as_deref() == Some("invalid_token") {
        return Ok(Introspection::default());
    }
    let code = code.map(|code| ErrorCode::read(dialect, &code));
    Err(IntrospectionError::Refused { status, code })
}

/// Reads the description of a token; `None` if the members describe none.
fn described(
    client: &Client,
    mut members: Map<String, Value>,
    clocks: Clocks,
) -> Option<Introspection> {
    const DESCRIBING: [&str; 6] = ["scope", "exp", "expires_in", "client_id", "aud", "sub"];
    let active = match members.remove("active") {
        Some(Value::Bool(active)) => active,
        Some(Value::String(text)) => text.parse().ok()?,
        Some(_) => return None,
        None if DESCRIBING.iter().any(|name| members.contains_key(*name)) => true,
        None => return None,
    };
    if !active {
        return Some(Introspection::default());
    }
    let rules = client.dialect();
    let ends = [
        ("exp", Expiry::EpochSeconds),
        ("expires_at", Expiry::EpochSeconds),
        ("expires_in", rules.response.expiry),
    ];
    let mut ends = ends.into_iter();
    let expires_at = ends.find_map(|(name, unit)| clocks.time(members.get(name)?, unit));
    let mut text = |name: &str| match members.remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    let (client_id, username, subject) = (text("client_id"), text("username"), text("sub"));
    let separator = rules.response_scope_separator();
    let scope = members.remove("scope");
    Some(Introspection {
        active,
        scope: scope.and_then(|scope| token_response::scope(&scope, separator)),
        expires_at,
        client_id,
        username,
        subject,
        extra: members,
    })
}
