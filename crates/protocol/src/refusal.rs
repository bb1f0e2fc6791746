//! What a refusal of the token endpoint means.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{Response, StatusCode, header::RETRY_AFTER};
use serde_json::{Map, Value};

use crate::{Dialect, ErrorRule, GrantKind, json, rate_limit, token_response::MAX_TOKEN_RESPONSE};

/// What may be done after a token request that brought no tokens.
///
/// What the dialect's map does not name falls under these defaults:
///
/// | answer | class |
/// |---|---|
/// | 429; 503 with `Retry-After` | transient |
/// | other 5xx; 408; a 2xx that cannot be read | ambiguous |
/// | 4xx with `invalid_grant` | terminal |
/// | 4xx with `invalid_client`, `unauthorized_client`, `unsupported_grant_type` | configuration |
/// | any other 4xx, be it empty, HTML or another error code; 3xx | unexplained |
///
/// `invalid_request` and `invalid_scope` are unexplained on purpose: they blame the request, not the token, so that one of them
/// does not log a person out at once; the code is kept for whoever looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The server did not look at the token: ask again, later.
    Transient {
        /// How long to wait, if the server says so.
        retry_after: Option<Duration>,
    },
    /// Nobody knows whether the token was redeemed: it counts as presented, and may be presented again.
    Ambiguous,
    /// The token or code is refused for good.
    Terminal,
    /// Refused without a reason that one could act on.
    Unexplained,
    /// The client's registration is refused, the token was not judged: it is kept until the configuration has changed.
    Configuration,
}

/// A token request's answer without tokens. It holds nothing of the body but a sanitised error code; `Display` is safe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What may be done.
    pub class: Class,
    /// The answer's status, if there was an answer.
    pub status: Option<StatusCode>,
    /// The answer's error code, if it had a sane one.
    pub code: Option<ErrorCode>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.class {
            Class::Transient { .. } => "the token endpoint is busy: ask again later",
            Class::Ambiguous => {
                "the token endpoint gave no readable answer: it may have redeemed the token"
            }
            Class::Terminal => "the token endpoint refused the grant: authorize again",
            Class::Unexplained => "the token endpoint refused without a usable reason",
            Class::Configuration => "the token endpoint refused the client: fix the registration",
        })?;
        match (&self.status, &self.code) {
            (Some(status), Some(code)) => write!(f, " ({}, {code})", status.as_u16()),
            (Some(status), None) => write!(f, " ({})", status.as_u16()),
            (None, Some(code)) => write!(f, " ({code})"),
            (None, None) => Ok(()),
        }
    }
}

impl std::error::Error for Refusal {}

/// The value of an error field, fit for logs: visible ASCII without quotes and backslash (RFC 6749 §5.2), at most 64 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ErrorCode(String);

impl ErrorCode {
    /// Takes a code that is sane; `None` drops any other.
    #[must_use]
    pub fn new(code: &str) -> Option<Self> {
        let sane = |b: u8| b.is_ascii_graphic() && b != b'"' && b != b'\\' && b != b'\'';
        let fits = !code.is_empty() && code.len() <= 64 && code.bytes().all(sane);
        fits.then(|| Self(code.to_owned()))
    }

    /// The code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A redirect's error ends the flow whatever it is called.
    pub(crate) fn of_redirect(error: &str) -> Self {
        Self::new(error).unwrap_or_else(|| Self("unreadable_error".to_owned()))
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub(crate) fn classify(
    dialect: &Dialect,
    kind: GrantKind,
    response: &Response<Bytes>,
    sent_at: SystemTime,
) -> Refusal {
    let body = response.body();
    let fields = (body.len() <= MAX_TOKEN_RESPONSE)
        .then(|| json::object(body, dialect.response.json))
        .flatten()
        .unwrap_or_default();
    of_fields(dialect, kind, response, &fields, sent_at)
}

/// The same, where the body has been read already.
pub(crate) fn of_fields(
    dialect: &Dialect,
    kind: GrantKind,
    response: &Response<Bytes>,
    fields: &Map<String, Value>,
    sent_at: SystemTime,
) -> Refusal {
    let (status, headers) = (response.status(), response.headers());
    let named = |name: &String| {
        fields
            .get(name)
            .and_then(Value::as_str)
            .filter(|s| !s.is_empty())
    };
    let code = dialect.errors.code.iter().find_map(named);
    let texts: Vec<&str> = dialect.errors.text.iter().filter_map(named).collect();
    let limit = rate_limit::read(&dialect.resource.rate_limit, headers, Some(sent_at));
    let asks_to_wait = headers.contains_key(RETRY_AFTER);

    let rule = dialect
        .errors
        .map
        .iter()
        .find(|rule| fits(rule, kind, status, code, &texts));
    let class = match rule {
        Some(rule) => rule.class.class(limit.retry_after),
        None => default_class(dialect, status, code, asks_to_wait, limit.retry_after),
    };
    Refusal {
        class,
        status: Some(status),
        code: code.and_then(ErrorCode::new),
    }
}

fn fits(
    rule: &ErrorRule,
    kind: GrantKind,
    status: StatusCode,
    code: Option<&str>,
    texts: &[&str],
) -> bool {
    let contains = |wanted: &String| {
        let wanted = wanted.to_lowercase();
        texts
            .iter()
            .any(|text| text.to_lowercase().contains(&wanted))
    };
    rule.grant.is_none_or(|grant| grant == kind)
        && rule.status.is_none_or(|wanted| wanted == status.as_u16())
        && rule
            .error
            .as_deref()
            .is_none_or(|wanted| code == Some(wanted))
        && rule.text.as_ref().is_none_or(contains)
}

fn default_class(
    dialect: &Dialect,
    status: StatusCode,
    code: Option<&str>,
    asks_to_wait: bool,
    retry_after: Option<Duration>,
) -> Class {
    match status.as_u16() {
        429 => Class::Transient { retry_after },
        503 if asks_to_wait => Class::Transient { retry_after },
        408 | 500..=599 => Class::Ambiguous,
        200..=299 if !dialect.errors.in_success || code.is_none() => Class::Ambiguous,
        200..=299 | 400..=499 => match code {
            Some("invalid_grant") => Class::Terminal,
            Some("invalid_client" | "unauthorized_client" | "unsupported_grant_type") => {
                Class::Configuration
            }
            _ => Class::Unexplained,
        },
        _ => Class::Unexplained,
    }
}
