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
    grant::GrantType,
    header, json,
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
    let dialect = client.dialect();
    if !response.status().is_success() {
        return Err(classification::classify(
            dialect, grant_type, response, sent_at,
        ));
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
        Some(access_token) => {
            let access_token = AccessToken::new(access_token);
            let clocks = Clocks {
                sent_at,
                date: header::date(response.headers()),
            };
            Ok(token_set(client, access_token, fields, clocks))
        }
        None => Err(classification::of_fields(
            dialect, grant_type, response, &fields, sent_at,
        )),
    }
}

fn token_set(
    client: &Client,
    access_token: AccessToken,
    mut fields: Map<String, Value>,
    clocks: Clocks,
) -> TokenSet {
    let rules = &client.dialect().response;
    let string = |value: &Value| value.as_str().map(str::to_owned);
    fields.remove("access_token");
    TokenSet {
        access_token,
        refresh_token: take(&mut fields, "refresh_token", string).map(RefreshToken::new),
        token_type: take(&mut fields, "token_type", string),
        issued_at: clocks.sent_at,
        expires_at: take(&mut fields, &rules.expiry_field, |v| {
            clocks.time(v, rules.expiry)
        }),
        refresh_at: take(&mut fields, "refresh_in", |v| {
            clocks.time(v, Expiry::Seconds)
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

/// What time it was, by our clock and by the server's.
#[derive(Clone, Copy)]
struct Clocks {
    sent_at: SystemTime,
    /// `None`: the answer does not say.
    date: Option<SystemTime>,
}

impl Clocks {
    /// 0 and less mean "expired already". `None`: no number, or a time past the year 9999, which no
    /// server means.
    fn time(self, value: &Value, expiry: Expiry) -> Option<SystemTime> {
        let number = match value {
            Value::Number(number) => number.as_f64()?,
            Value::String(text) => text.trim().parse().ok()?,
            _ => return None,
        };
        if number <= 0.0 {
            return Some(self.sent_at);
        }
        let unit = match expiry {
            Expiry::Seconds | Expiry::EpochSeconds => 1.0,
            Expiry::Milliseconds | Expiry::EpochMilliseconds => 1000.0,
        };
        let span = Duration::try_from_secs_f64(number / unit).ok()?;
        match expiry {
            Expiry::Seconds | Expiry::Milliseconds => sane(self.sent_at.checked_add(span)?),
            Expiry::EpochSeconds | Expiry::EpochMilliseconds => {
                self.ours(sane(UNIX_EPOCH.checked_add(span)?)?)
            }
        }
    }

    /// A time by the server's clock, by ours: both clocks of the token's lifetime are the server's,
    /// so that ours may be off. It is counted from `sent_at`, which errs to the early side.
    fn ours(self, absolute: SystemTime) -> Option<SystemTime> {
        let Some(date) = self.date else {
            return Some(absolute);
        };
        let lifetime = absolute.duration_since(date).unwrap_or_default();
        sane(self.sent_at.checked_add(lifetime)?)
    }
}

fn sane(time: SystemTime) -> Option<SystemTime> {
    const YEAR_10000: Duration = Duration::from_secs(253_402_300_800);
    (time < UNIX_EPOCH + YEAR_10000).then_some(time)
}
