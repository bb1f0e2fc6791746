//! What the store is told of a record besides its bytes: how long it is kept, and when a refresher looks at it.

use std::time::{Duration, SystemTime};

use tokenkeeper_refresh::{Health, Record, RefreshLifetime::Fixed, State};
use tokenkeeper_store::{Entry, Version};

use crate::{
    due,
    engine::{codec, core::Core, entry::AccountEntry, payload::Payload},
};

/// The record as the store keeps it.
pub(super) fn entry(
    core: &Core,
    entry: &AccountEntry,
    version: Version,
    record: &Record<Payload>,
) -> Entry {
    let (site, now) = (&entry.site, core.time.wall_time());
    let made = Entry::new(version, codec::encode(record));
    match &record.state {
        State::Empty => made.with_keep_until(now + LOGIN_KEPT),
        State::Ended(_) => made
            .with_attention(!record.revoke.is_empty())
            .with_keep_until(ended_until(entry, now)),
        State::Live(live) => made
            .with_attention(
                live.health != Health::Alive
                    || live.failures.refused_since.is_some()
                    || !record.revoke.is_empty(),
            )
            .with_keep_until(live_until(entry, &live.payload, now))
            .with_due(due::due(&entry.key(), live, &site.rules, now)),
    }
}

/// By the refresh token's life: an inferred or unknown one is kept until the account is disconnected.
fn live_until(entry: &AccountEntry, payload: &Payload, now: SystemTime) -> Option<SystemTime> {
    let Fixed(life) = entry.site.rules.refresh_lifetime else {
        return None;
    };
    // A clock that is behind at one process must not make the store forget what is still good.
    let ends = payload.issued_at().max(now) + life + CLOCK_MARGIN;
    Some(payload.expires_at().map_or(ends, |at| at.max(ends)))
}

/// A tombstone lives at least as long as the newest record that it ends could have.
fn ended_until(entry: &AccountEntry, now: SystemTime) -> Option<SystemTime> {
    let Fixed(life) = entry.site.rules.refresh_lifetime else {
        return None;
    };
    Some(now + life.max(TOMBSTONE_KEPT) + CLOCK_MARGIN)
}

/// How far the clocks of a fleet and its store may be apart.
const CLOCK_MARGIN: Duration = Duration::from_secs(3 * 24 * 60 * 60);

/// How long a tombstone is kept at least: an access token may outlive the refresh token.
const TOMBSTONE_KEPT: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// How long a login that never ends is kept if there is no account yet.
const LOGIN_KEPT: Duration = Duration::from_secs(24 * 60 * 60);
