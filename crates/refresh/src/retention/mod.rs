//! What the store is told of a record besides its bytes: how long it is kept, and when a refresher
//! looks at it.

use std::time::Duration;

use crate::{
    instant::{WallMillis, millis},
    payload::Payload,
    record::{Health, Live, Record, State},
    rules::{RefreshLifetime, Rules},
};

/// What the store is told of a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// The store may forget the record after this; `None`: never.
    pub keep_until: Option<WallMillis>,
    /// A refresher looks at it from then on; `None`: never.
    pub due: Option<WallMillis>,
    /// A refresher or a person must look at it.
    pub attention: bool,
}

/// An account's own place among all, from a hash of its key: it spreads a fleet over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(pub [u64; 2]);

/// What the store is told of `record`, which is written at `now`.
pub fn retention<T: Payload>(
    record: &Record<T>,
    rules: &Rules,
    place: Place,
    now: WallMillis,
) -> Retention {
    let pending = !record.revoke.is_empty();
    match &record.state {
        State::Empty => Retention {
            keep_until: Some(now + millis(LOGIN_KEPT)),
            ..Retention::default()
        },
        State::Ended(_) => Retention {
            keep_until: fixed_life(rules).map(|life| {
                // It lives at least as long as the newest record that it ends could have.
                now + millis(life.max(TOMBSTONE_KEPT) + CLOCK_MARGIN)
            }),
            due: None,
            attention: pending,
        },
        State::Live(live) => Retention {
            keep_until: live_until(live, rules, now),
            due: due(live, rules, place, now),
            attention: pending
                || live.health != Health::Alive
                || live.failures.refused_since.is_some()
                // What is due is written by the clock of one process, which may be wrong.
                || live.failures.pause > 0,
        },
    }
}

/// By the refresh token's life: an inferred or unknown one is kept until the account is
/// disconnected.
fn live_until<T: Payload>(live: &Live<T>, rules: &Rules, now: WallMillis) -> Option<WallMillis> {
    let (life, times) = (fixed_life(rules)?, live.payload.times());
    // A clock that is behind at one process must not make the store forget what is still good.
    let ends = times.issued_at.max(now) + millis(life + CLOCK_MARGIN);
    Some(times.expires_at.map_or(ends, |at| at.max(ends)))
}

fn fixed_life(rules: &Rules) -> Option<Duration> {
    match rules.refresh_lifetime {
        RefreshLifetime::Fixed(life) => Some(life),
        _ => None,
    }
}

/// How far the clocks of a fleet and its store may be apart.
const CLOCK_MARGIN: Duration = Duration::from_secs(3 * 24 * 60 * 60);

/// How long a tombstone is kept at least: an access token may outlive the refresh token.
const TOMBSTONE_KEPT: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// How long a login that never ends is kept if there is no account yet.
const LOGIN_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// When a refresher looks at the account. `None`: a refresh would serve nothing, or cannot be made.
fn due<T: Payload>(
    live: &Live<T>,
    rules: &Rules,
    place: Place,
    now: WallMillis,
) -> Option<WallMillis> {
    let mut due = planned(live, rules, place)?;
    if live.failures.pause > 0 {
        due = due.max(now + live.failures.pause);
    }
    if live.attempt.is_some() {
        // Its holder ends it; if not, no process may take it over before its lease has ended
        // anyway.
        due = due.max(now + millis(rules.lease));
    }
    Some(due)
}

/// When the tokens are due if nothing has failed. `None`: a refresh would serve nothing, or cannot
/// be made.
pub fn planned<T: Payload>(live: &Live<T>, rules: &Rules, place: Place) -> Option<WallMillis> {
    if live.is_dead() || !live.payload.has_refresh_token() {
        return None;
    }
    let latest = latest(&live.payload, rules)?;
    let issued = live.payload.times().issued_at;
    Some(spread(place, issued, latest, rules.floor))
}

/// The last moment to refresh at: before the access token is stale, and before the refresh token
/// has been idle for too long.
fn latest<T: Payload>(payload: &T, rules: &Rules) -> Option<WallMillis> {
    let times = payload.times();
    let lifetime = times
        .expires_at
        .map(|at| Duration::from_millis(at.saturating_sub(times.issued_at)));
    let after = |time| times.issued_at + millis(time);
    let stale = times
        .refresh_at
        .or(lifetime.map(|lifetime| after(lifetime - rules.stale_window(lifetime))));
    let keep_alive = rules
        .refresh_life(lifetime)
        .map(|life| after(life.mul_f64(rules.keep_alive_share)));
    match (stale, keep_alive) {
        (Some(stale), Some(keep_alive)) => Some(stale.min(keep_alive)),
        (one, other) => one.or(other),
    }
}

/// The account's own place between `issued` and `latest`.
///
/// Each account keeps to moments that lie one period apart, at a phase that a hash of its key
/// gives: it is due at the last of them that is no later than `latest`. So the fleet's refreshes
/// are spread evenly over the period, stay so from one generation to the next, and come back to it
/// after an outage; and every process agrees on them. An account that was issued tokens shortly
/// before its moment is not refreshed again at once: it gets another place in this period, by the
/// same hash, from which it comes to its next moment.
fn spread(place: Place, issued: WallMillis, latest: WallMillis, floor: Duration) -> WallMillis {
    let period = rounded(latest.saturating_sub(issued));
    let least = (period / LEAST).max(millis(floor));
    if least.saturating_mul(2) >= period {
        return latest;
    }
    let Place([phase, place]) = place;
    let end = issued + period;
    let late = (end % period + period - phase % period) % period;
    // The account's moment, since the issue.
    let moment = period - late;
    if moment >= least {
        issued + moment
    } else {
        // Neither too soon nor too short a time before the next moment.
        issued + least + place % (moment + period - least * 2)
    }
}

/// No account is refreshed sooner than this part of the period after it got its tokens.
const LEAST: u64 = 10;

/// A period without its small digits, so that lifetimes that differ a little have the same: a
/// server may count them in whole seconds from a moment of its own.
fn rounded(period: u64) -> u64 {
    let digits = u64::BITS - period.leading_zeros();
    let unit = 1 << digits.saturating_sub(5);
    period - period % unit
}

#[cfg(test)]
mod tests;
