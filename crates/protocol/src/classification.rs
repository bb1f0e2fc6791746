//! The class of a refused or unreadable response of the token endpoint.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Response, StatusCode, header::RETRY_AFTER};
use serde_json::{Map, Value};

use crate::{
    dialect::{Dialect, ErrorRule},
    grant::GrantType,
    json, rate_limit,
    refusal::{Class, ErrorCode, Refusal},
};

/// The longest response of a token endpoint that is read: 64 KiB. A longer one counts as
/// unreadable.
pub const MAX_TOKEN_RESPONSE: usize = 64 * 1024;

pub(crate) fn classify(
    dialect: &Dialect,
    grant_type: GrantType,
    response: &Response<Bytes>,
    sent_at: SystemTime,
) -> Refusal {
    let fields = fields(dialect, response.body());
    of_fields(dialect, grant_type, response, &fields, sent_at)
}

/// Returns the fields of an error response; none if it is too long or not an object.
pub(crate) fn fields(dialect: &Dialect, body: &Bytes) -> Map<String, Value> {
    (body.len() <= MAX_TOKEN_RESPONSE)
        .then(|| json::object(body, dialect.response.json))
        .flatten()
        .unwrap_or_default()
}

/// Classifies a response whose body has been parsed already.
pub(crate) fn of_fields(
    dialect: &Dialect,
    grant_type: GrantType,
    response: &Response<Bytes>,
    fields: &Map<String, Value>,
    sent_at: SystemTime,
) -> Refusal {
    let (status, headers) = (response.status(), response.headers());
    let code = code(dialect, fields);
    let texts = dialect.errors.text.iter();
    let texts: Vec<&str> = texts.filter_map(|name| json::text(fields, name)).collect();
    let limit = rate_limit::read(&dialect.resource.rate_limit, headers, Some(sent_at));
    let asks_to_wait = headers.contains_key(RETRY_AFTER);

    let rule = dialect
        .errors
        .map
        .iter()
        .find(|rule| fits(rule, grant_type, status, code, &texts));
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

/// Returns the error code as the response spells it.
pub(crate) fn code<'f>(dialect: &Dialect, fields: &'f Map<String, Value>) -> Option<&'f str> {
    dialect
        .errors
        .code
        .iter()
        .find_map(|name| json::text(fields, name))
}

fn fits(
    rule: &ErrorRule,
    grant_type: GrantType,
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
    rule.grant_type.is_none_or(|wanted| wanted == grant_type)
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
