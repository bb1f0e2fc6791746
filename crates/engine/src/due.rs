//! When a refresher should look at an account: written into the store with every record.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};
use tokenkeeper_refresh::{Health, Live, Payload as _, Rules};
use tokenkeeper_store::{Key, unix_millis};

use crate::engine::Payload;

/// When the account is due, as of `now`. `None`: a refresh would serve nothing, or cannot be made.
pub(crate) fn due(
    key: &Key,
    live: &Live<Payload>,
    rules: &Rules,
    now: SystemTime,
) -> Option<SystemTime> {
    let mut due = planned(key, live, rules)?;
    if live.failures.pause > 0 {
        due = due.max(now + Duration::from_millis(live.failures.pause));
    }
    if live.attempt.is_some() {
        // Its holder ends it; if not, no process may take it over before its lease has ended anyway.
        due = due.max(now + rules.lease);
    }
    Some(due)
}

/// When the tokens are due, if nothing has failed. `None`: a refresh would serve nothing, or cannot be made.
pub(crate) fn planned(key: &Key, live: &Live<Payload>, rules: &Rules) -> Option<SystemTime> {
    if matches!(live.health, Health::Dead(_)) || !live.payload.has_refresh_token() {
        return None;
    }
    let latest = latest(&live.payload, rules)?;
    Some(spread(key, live.payload.issued_at(), latest, rules.floor))
}

/// The last moment to refresh at: before the access token is stale, and before the refresh token has been idle for too long.
fn latest(payload: &Payload, rules: &Rules) -> Option<SystemTime> {
    let issued = payload.issued_at();
    let lifetime = payload
        .expires_at()
        .map(|at| at.duration_since(issued).unwrap_or_default());
    let stale = match (payload.refresh_at(), lifetime) {
        (Some(hint), _) => Some(hint),
        (None, Some(lifetime)) => Some(issued + (lifetime - rules.stale_window(lifetime))),
        (None, None) => None,
    };
    let life = rules.refresh_life(lifetime);
    let keep_alive = life.map(|life| issued + life.mul_f64(rules.keep_alive_share));
    match (stale, keep_alive) {
        (Some(stale), Some(keep_alive)) => Some(stale.min(keep_alive)),
        (one, other) => one.or(other),
    }
}

/// The account's own place between `issued` and `latest`.
///
/// Each account keeps to moments that lie one period apart, at a phase that a hash of its key gives: it is due at the last of them that is no later than
/// `latest`. So the fleet's refreshes are spread evenly over the period, stay so from one generation to the next, and come
/// back to it after an outage; and every process agrees on them. An account that was issued tokens shortly before its moment is not refreshed
/// again at once: it gets another place in this period, by the same hash, from which it comes to its next moment.
fn spread(key: &Key, issued: SystemTime, latest: SystemTime, floor: Duration) -> SystemTime {
    let (start, end) = (unix_millis(issued), unix_millis(latest));
    let period = rounded(end.saturating_sub(start));
    let least = (period / LEAST).max(u64::try_from(floor.as_millis()).unwrap_or(u64::MAX));
    if least * 2 >= period {
        return latest;
    }
    let hash = Sha256::digest(key.to_bytes());
    let [phase, place] = [0, 8].map(|at| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&hash[at..at + 8]);
        u64::from_be_bytes(bytes)
    });
    let end = start + period;
    let late = (end % period + period - phase % period) % period;
    // The account's moment, since `start`.
    let moment = period - late;
    let due = if moment >= least {
        start + moment
    } else {
        // Neither too soon nor too short a time before the next moment.
        start + least + place % (moment + period - least * 2)
    };
    UNIX_EPOCH + Duration::from_millis(due)
}

/// No account is refreshed sooner than this part of the period after it got its tokens.
const LEAST: u64 = 10;

/// A period without its small digits, so that lifetimes that differ a little have the same: a server may count them in whole seconds from
/// a moment of its own.
fn rounded(period: u64) -> u64 {
    let digits = u64::BITS - period.leading_zeros();
    let unit = 1 << digits.saturating_sub(5);
    period - period % unit
}

#[cfg(test)]
mod tests;
