//! What the store is told of a record beside its bytes: how long it is kept, and when somebody is to look at it.

use std::time::{Duration, SystemTime};

use tokenkeeper_protocol::{Provider, RefreshLifetime::Fixed, TokenSet};
use tokenkeeper_store::{Entry, Version};

use super::Driver;
use crate::{
    record::{self, Health, Held, Live, Record, State},
    refresher,
};

impl Driver<'_> {
    pub(super) fn entry(&self, version: Version, record: &Record<Held>) -> Entry {
        let entry = Entry::new(version, record::encode(record));
        match &record.state {
            State::Empty => entry.with_keep_until(self.core.time.wall_time() + LOGIN_KEPT),
            State::Ended(tombstone) => entry
                .with_attention(tombstone.revoke.is_some())
                .with_keep_until(self.bury_until()),
            State::Live(live) => entry
                .with_attention(live.health != Health::Alive)
                .with_keep_until(self.keep_until(&live.tokens.tokens))
                .with_due(self.due(live)),
        }
    }

    /// By the refresh token's life: an inferred or unknown one is kept until the account is disconnected.
    fn keep_until(&self, tokens: &TokenSet) -> Option<SystemTime> {
        match self.slot.home.provider.client().dialect().refresh.lifetime {
            Fixed(life) => {
                let ends = tokens.issued_at + life;
                Some(tokens.expires_at.map_or(ends, |at| at.max(ends)))
            }
            _ => None,
        }
    }

    /// A tombstone lives at least as long as the newest record that it ends could have.
    fn bury_until(&self) -> Option<SystemTime> {
        match self.slot.home.provider.client().dialect().refresh.lifetime {
            Fixed(life) => Some(self.core.time.wall_time() + life.max(TOMBSTONE_KEPT)),
            _ => None,
        }
    }

    /// When a refresher should look at the account.
    fn due(&self, live: &Live<Held>) -> Option<SystemTime> {
        let (home, options) = (&self.slot.home, &self.core.options);
        refresher::due(
            &self.slot.key(),
            live,
            home,
            options,
            self.core.time.wall_time(),
        )
    }
}

/// How long a tombstone is kept at least: an access token may outlive the refresh token.
const TOMBSTONE_KEPT: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// How long a login that never ends is kept where there is no account yet.
const LOGIN_KEPT: Duration = Duration::from_secs(24 * 60 * 60);
