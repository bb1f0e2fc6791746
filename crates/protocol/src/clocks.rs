//! The times that a response states, on our clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::Response;
use serde_json::Value;

use crate::{dialect::Expiry, header};

/// The time of the exchange by our clock and by the server's.
#[derive(Clone, Copy)]
pub(crate) struct Clocks {
    pub(crate) sent_at: SystemTime,
    /// `None`: the response has no `Date`.
    date: Option<SystemTime>,
}

impl Clocks {
    pub(crate) fn of(response: &Response<Bytes>, sent_at: SystemTime) -> Self {
        let date = header::date(response.headers());
        Self { sent_at, date }
    }

    /// Returns the absolute time of an expiry. Zero and less mean "already expired".
    ///
    /// `None`: not a number, a life of more than 40 years, or a time past the year 9999. No server
    /// means these: such a life is a time since 1970 in place of one. Some providers issue tokens
    /// for 20 years.
    pub(crate) fn time(self, value: &Value, expiry: Expiry) -> Option<SystemTime> {
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
            Expiry::Seconds | Expiry::Milliseconds if span > LONGEST => None,
            Expiry::Seconds | Expiry::Milliseconds => {
                before_year_10000(self.sent_at.checked_add(span)?)
            }
            Expiry::EpochSeconds | Expiry::EpochMilliseconds => {
                self.to_our_clock(before_year_10000(UNIX_EPOCH.checked_add(span)?)?)
            }
        }
    }

    /// Returns the end of a refresh token's life. Some servers write 0 for one without an end.
    pub(crate) fn refresh_time(self, value: &Value, expiry: Expiry) -> Option<SystemTime> {
        let time = self.time(value, expiry)?;
        (time > self.sent_at).then_some(time)
    }

    pub(crate) fn after(self, lifetime: Duration) -> Option<SystemTime> {
        before_year_10000(self.sent_at.checked_add(lifetime)?)
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

/// Forty years: a time since 1970 has been longer from the year 2010 on.
const LONGEST: Duration = Duration::from_secs(40 * 366 * 24 * 60 * 60);

fn before_year_10000(time: SystemTime) -> Option<SystemTime> {
    const YEAR_10000: Duration = Duration::from_secs(253_402_300_800);
    (time < UNIX_EPOCH + YEAR_10000).then_some(time)
}
