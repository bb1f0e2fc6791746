//! The answer to a token request.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::Response;
use serde_json::{Map, Value};

use crate::{
    access_token::AccessToken,
    classification::{self, MAX_TOKEN_RESPONSE},
    client::Client,
    dialect::Expiry,
    grant::GrantKind,
    json,
    refusal::{Class, Refusal},
    secret::RefreshToken,
    token_set::TokenSet,
};

pub(crate) fn read(
    client: &Client,
    kind: GrantKind,
    response: &Response<Bytes>,
    sent_at: SystemTime,
) -> Result<TokenSet, Refusal> {
    let dialect = client.dialect();
    if !response.status().is_success() {
        return Err(classification::classify(dialect, kind, response, sent_at));
    }
    let unreadable = Refusal {
        class: Class::Ambiguous,
        status: Some(response.status()),
        code: None,
    };
    if response.body().len() > MAX_TOKEN_RESPONSE {
        return Err(unreadable);
    }
    let fields = json::object(response.body(), dialect.response.json).ok_or(unreadable)?;
    // An access token counts whatever stands beside it: what was handed to us is not lost.
    match text(&fields, "access_token") {
        Some(access_token) => Ok(token_set(
            client,
            AccessToken::new(access_token),
            fields,
            sent_at,
        )),
        None => Err(classification::of_fields(
            dialect, kind, response, &fields, sent_at,
        )),
    }
}

fn token_set(
    client: &Client,
    access_token: AccessToken,
    mut fields: Map<String, Value>,
    sent_at: SystemTime,
) -> TokenSet {
    let rules = &client.dialect().response;
    let string = |value: &Value| value.as_str().map(str::to_owned);
    fields.remove("access_token");
    TokenSet {
        access_token,
        refresh_token: take(&mut fields, "refresh_token", string).map(RefreshToken::new),
        token_type: take(&mut fields, "token_type", string),
        issued_at: sent_at,
        expires_at: take(&mut fields, &rules.expiry_field, |v| {
            time(v, rules.expiry, sent_at)
        }),
        refresh_at: take(&mut fields, "refresh_in", |v| {
            time(v, Expiry::Seconds, sent_at)
        }),
        scope: take(&mut fields, "scope", string),
        extra: fields,
    }
}

/// Moves a field out where it could be read; null and "" count as absent. What could not be read stays where it is.
fn take<T>(
    fields: &mut Map<String, Value>,
    name: &str,
    read: impl FnOnce(&Value) -> Option<T>,
) -> Option<T> {
    let value = fields.get(name)?;
    if value.is_null() || value.as_str() == Some("") {
        fields.remove(name);
        return None;
    }
    let read = read(value)?;
    fields.remove(name);
    Some(read)
}

fn text<'f>(fields: &'f Map<String, Value>, name: &str) -> Option<&'f str> {
    fields.get(name)?.as_str().filter(|text| !text.is_empty())
}

/// 0 and less mean "expired already". `None`: no number, or a time past the year 9999, which no server means.
fn time(value: &Value, expiry: Expiry, sent_at: SystemTime) -> Option<SystemTime> {
    const YEAR_10000: Duration = Duration::from_secs(253_402_300_800);
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    let (start, unit) = match expiry {
        Expiry::Seconds => (sent_at, 1.0),
        Expiry::Milliseconds => (sent_at, 1000.0),
        Expiry::EpochSeconds => (UNIX_EPOCH, 1.0),
        Expiry::EpochMilliseconds => (UNIX_EPOCH, 1000.0),
    };
    if number <= 0.0 {
        return Some(sent_at);
    }
    let time = start.checked_add(Duration::try_from_secs_f64(number / unit).ok()?)?;
    (time < UNIX_EPOCH + YEAR_10000).then_some(time)
}
