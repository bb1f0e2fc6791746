//! Metadata that the store keeps next to a record: its retention, and when a refresher visits it.

use std::time::Duration;

use crate::{
    instant::{WallMillis, millis},
    payload::{Payload, Times},
    record::{Health, Live, Record, State},
    rules::{RefreshLifetime, Rules},
};

/// The metadata that is stored with a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// When the store may drop the record; `None`: never.
    pub keep_until: Option<WallMillis>,
    /// When a refresher should visit the account; `None`: never.
    pub due: Option<WallMillis>,
    /// Whether a refresher or a person must look at the account.
    pub attention: bool,
}

/// A hash of an account's key, by which the refreshes of a fleet are spread over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(pub [u64; 2]);

/// Returns the metadata to store with `record`, which is written at `now`.
pub fn retention<T: Payload>(
    record: &Record<T>,
    rules: &Rules,
    place: Place,
    now: WallMillis,
) -> Retention {
    let pending = !record.revoke.is_empty();
    match &record.state {
        State::Empty => Retention {
            keep_until: Some(after(now, LOGIN_KEPT)),
            ..Retention::default()
        },
        State::Ended(tombstone) => {
            let life = if tombstone.forgotten {
                // A process that knows the account uses it by then, and reads the mark.
                rules.memory_ttl.saturating_mul(2)
            } else {
                rules.tombstone_ttl
            };
            Retention {
                keep_until: Some(after(now, life.saturating_add(CLOCK_MARGIN))),
                due: None,
                attention: pending,
            }
        }
        State::Live(live) => Retention {
            keep_until: live_until(live, rules, now),
            due: due(live, rules, place, now),
            attention: pending
                || live.health != Health::Alive
                || live.failures.refused_since.is_some()
                // The due time comes from the clock of one process, which may be wrong.
                || live.failures.pause > 0,
        },
    }
}

/// Returns when the record expires, from the lifetime of the refresh token that the dialect fixes
/// or the server stated, whichever is longer. If it is inferred or unknown, or if the access token
/// has no known end, the record is kept until the account is disconnected.
fn live_until<T: Payload>(live: &Live<T>, rules: &Rules, now: WallMillis) -> Option<WallMillis> {
    let times = live.payload.times();
    let life = fixed_life(rules).max(times.refresh_lifetime())?;
    let expires_at = times.expires_at?;
    // A process whose clock is behind must not make the store drop valid tokens.
    let ends = after(times.issued_at.max(now), life.saturating_add(CLOCK_MARGIN));
    Some(ends.max(expires_at))
}

/// Returns the time this long after another one, or the end of time.
fn after(time: WallMillis, by: Duration) -> WallMillis {
    time.saturating_add(millis(by))
}

fn fixed_life(rules: &Rules) -> Option<Duration> {
    match rules.refresh_lifetime {
        RefreshLifetime::Fixed(life) => Some(life),
        _ => None,
    }
}

/// The maximum skew between the clocks of a fleet and its store.
const CLOCK_MARGIN: Duration = Duration::from_secs(3 * 24 * 60 * 60);

/// How long an unfinished login is kept if the account has no tokens yet.
const LOGIN_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Returns when a refresher should visit the account, or `None` if a refresh is impossible or
/// useless.
fn due<T: Payload>(
    live: &Live<T>,
    rules: &Rules,
    place: Place,
    now: WallMillis,
) -> Option<WallMillis> {
    let mut due = planned(live, rules, place)?;
    if live.failures.pause > 0 {
        due = due.max(now.saturating_add(live.failures.pause));
    }
    if live.attempt.is_some() {
        // The holder finishes the attempt; otherwise no process may take over before the lease
        // expires.
        due = due.max(after(now, rules.lease));
    }
    Some(due)
}

/// Returns when the tokens are due if nothing has failed, or `None` if a refresh is impossible or
/// useless.
pub fn planned<T: Payload>(live: &Live<T>, rules: &Rules, place: Place) -> Option<WallMillis> {
    if live.is_dead() || !live.payload.has_refresh_token() {
        return None;
    }
    let times = live.payload.times();
    let earliest = rules.earliest_refresh(&times).max(times.issued_at);
    let latest = latest(&times, rules).max(earliest);
    Some(spread(place, earliest, latest, rules.floor))
}

/// Returns the latest time for a refresh: before the access token is stale, and before the refresh
/// token has been idle for too long. If neither has a known end, a refresh now and then keeps the
/// account alive, and shows early that it has ended.
fn latest(times: &Times, rules: &Rules) -> WallMillis {
    let lifetime = times.lifetime();
    let after = |time| after(times.issued_at, time);
    let stale = times
        .refresh_at
        .or(lifetime.map(|lifetime| after(lifetime - rules.stale_window(lifetime))));
    let keep_alive = rules
        .refresh_life(times)
        .map(|life| after(rules.keep_alive_after(life)));
    let known = stale.into_iter().chain(keep_alive).min();
    known.unwrap_or_else(|| after(ENDLESS_REFRESHED))
}

/// How long after their issue tokens without a known end are refreshed at the latest.
const ENDLESS_REFRESHED: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Returns the time between `issued` and `latest` at which this account is due.
///
/// Each account has due times one period apart, at a phase given by a hash of its key, and is due
/// at the last of them not later than `latest`. So the refreshes of a fleet are spread evenly over
/// the period, stay so from one generation to the next, return to it after an outage, and are the
/// same for every process. An account whose tokens were issued shortly before its due time is not
/// refreshed again at once: the same hash picks another time in this period, from which the account
/// reaches its next due time.
fn spread(place: Place, issued: WallMillis, latest: WallMillis, floor: Duration) -> WallMillis {
    // Two periods are added below.
    let period = round_down(latest.saturating_sub(issued).min(u64::MAX / 2));
    let min_age = (period / MIN_AGE_DIVISOR).max(millis(floor));
    if min_age.saturating_mul(2) >= period {
        return latest;
    }
    let Place([phase, place]) = place;
    let end = issued + period;
    let late = (end % period + period - phase % period) % period;
    // The account's due time, counted from the issue.
    let moment = period - late;
    if moment >= min_age {
        issued + moment
    } else {
        // Neither too soon after the issue nor too close to the next due time.
        issued + min_age + place % (moment + period - min_age * 2)
    }
}

/// The minimum age of tokens at a refresh is the period divided by this.
const MIN_AGE_DIVISOR: u64 = 10;

/// Rounds a period down to five significant bits, so lifetimes that differ a little have the same
/// period: a server may count whole seconds from a time that we don't know.
fn round_down(period: u64) -> u64 {
    let digits = u64::BITS - period.leading_zeros();
    let unit = 1 << digits.saturating_sub(5);
    period - period % unit
}

#[cfg(test)]
mod tests;
