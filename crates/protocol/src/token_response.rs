//! Token responses (RFC 6749 §5.1).

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
    // An access token counts even next to an error: tokens that were issued are never lost.
    match json::text(&fields, "access_token") {
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

/// Moves a field out if it can be read. `null` and `""` count as absent; an unreadable value stays.
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

/// The time of the exchange by our clock and by the server's.
#[derive(Clone, Copy)]
struct Clocks {
    sent_at: SystemTime,
    /// `None`: the response has no `Date`.
    date: Option<SystemTime>,
}

impl Clocks {
    /// Returns the absolute time of an expiry. Zero and less mean "already expired".
    ///
    /// `None`: not a number, or a time past the year 9999, which no server means.
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
            Expiry::Seconds | Expiry::Milliseconds => {
                before_year_10000(self.sent_at.checked_add(span)?)
            }
            Expiry::EpochSeconds | Expiry::EpochMilliseconds => {
                self.to_our_clock(before_year_10000(UNIX_EPOCH.checked_add(span)?)?)
            }
        }
    }

    /// Converts a time of the server's clock to ours, so that our clock may be off. The lifetime
    /// counts from `sent_at`, which errs on the early side.
    fn to_our_clock(self, absolute: SystemTime) -> Option<SystemTime> {
        let Some(date) = self.date else {
            return Some(absolute);
        };
        let lifetime = absolute.duration_since(date).unwrap_or_default();
        before_year_10000(self.sent_at.checked_add(lifetime)?)
    }
}

fn before_year_10000(time: SystemTime) -> Option<SystemTime> {
    const YEAR_10000: Duration = Duration::from_secs(253_402_300_800);
    (time < UNIX_EPOCH + YEAR_10000).then_some(time)
}
