//! Tokens that nothing is wrong with, packed.

use std::{
    num::NonZeroU64,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, UNIX_EPOCH},
};

use serde_json::{Map, Value};
use tokenkeeper_protocol::{AccessToken, RefreshToken, TokenSet};

use crate::{
    clock::wall_millis,
    record::{Authorization, Failures, Health, Held, Live, Record, Terms, WallMillis},
    source::Stamp,
};

/// Tokens that nothing is wrong with, and for which nothing is under way.
pub(super) struct Resting {
    number: u64,
    id: [u64; 2],
    generation: u32,
    born_of: u32,
    presented: u32,
    /// Here, where there is room for it: see [`Known::is_written`](super::Known::is_written).
    pub(super) written: bool,
    pub(super) access_token: AccessToken,
    refresh_token: Option<RefreshToken>,
    issued_at: WallMillis,
    expires_at: Option<NonZeroU64>,
    pub(super) common: Arc<Common>,
}

/// What one account's tokens have in common with another's, mostly.
#[derive(Debug, PartialEq)]
pub(super) struct Common {
    token_type: Option<String>,
    scope: Option<String>,
    extra: Map<String, Value>,
    terms: Terms,
}

/// What the last account's tokens had in common with the next one's.
#[derive(Debug, Default)]
pub(crate) struct Shared(Mutex<Weak<Common>>);

impl Resting {
    pub(super) fn of(record: &Record<Held>, written: bool, shared: &Shared) -> Option<Self> {
        let live = record.live().filter(|live| rests(live))?;
        if record.login.is_some() {
            return None;
        }
        let Held { tokens, terms } = &live.tokens;
        let expires_at = match tokens.expires_at {
            // Zero is the sign of an unknown one.
            Some(at) => Some(NonZeroU64::new(wall_millis(at))?),
            None => None,
        };
        Some(Self {
            number: live.authorization.number,
            id: halves(live.authorization.id),
            generation: u32::try_from(live.generation).ok()?,
            born_of: live.born_of,
            presented: live.presented,
            written,
            access_token: tokens.access_token.clone(),
            refresh_token: tokens.refresh_token.clone(),
            issued_at: wall_millis(tokens.issued_at),
            expires_at,
            common: shared.common(tokens, terms),
        })
    }

    pub(super) fn stamp(&self) -> Stamp {
        Stamp {
            authorization: self.number,
            generation: self.generation.into(),
        }
    }

    pub(super) fn live(&self) -> Live<Held> {
        let common = &*self.common;
        let at = |millis| UNIX_EPOCH + Duration::from_millis(millis);
        let tokens = TokenSet {
            access_token: self.access_token.clone(),
            refresh_token: self.refresh_token.clone(),
            token_type: common.token_type.clone(),
            issued_at: at(self.issued_at),
            expires_at: self.expires_at.map(|millis| at(millis.get())),
            refresh_at: None,
            scope: common.scope.clone(),
            extra: common.extra.clone(),
        };
        let terms = common.terms.clone();
        Live {
            authorization: Authorization {
                number: self.number,
                id: whole(self.id),
            },
            generation: self.generation.into(),
            born_of: self.born_of,
            tokens: Held { tokens, terms },
            presented: self.presented,
            unanswered: false,
            attempt: None,
            health: Health::Alive,
            failures: Failures::default(),
        }
    }
}

/// Whether a [`Resting`] says all of it.
fn rests(live: &Live<Held>) -> bool {
    live.attempt.is_none()
        && !live.unanswered
        && live.health == Health::Alive
        && live.failures == Failures::default()
        && live.tokens.tokens.refresh_at.is_none()
}

impl Shared {
    fn common(&self, tokens: &TokenSet, terms: &Terms) -> Arc<Common> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |common: &Arc<Common>| {
            common.token_type == tokens.token_type
                && common.scope == tokens.scope
                && common.extra == tokens.extra
                && common.terms == *terms
        };
        if let Some(common) = last.upgrade().filter(fits) {
            return common;
        }
        let common = Arc::new(Common {
            token_type: tokens.token_type.clone(),
            scope: tokens.scope.clone(),
            extra: tokens.extra.clone(),
            terms: terms.clone(),
        });
        *last = Arc::downgrade(&common);
        common
    }
}

// A number of 128 bits lies at multiples of 16 bytes, and would make a slot as much longer.
fn halves(id: u128) -> [u64; 2] {
    [(id >> 64) as u64, id as u64]
}

fn whole(id: [u64; 2]) -> u128 {
    u128::from(id[0]) << 64 | u128::from(id[1])
}
