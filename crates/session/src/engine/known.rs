//! The newest record that a process knows of an account, in little room: most accounts rest most of the time.

use std::{
    num::NonZeroU64,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, UNIX_EPOCH},
};

use serde_json::{Map, Value};
use tokenkeeper_protocol::{AccessToken, RefreshToken, TokenSet};
use tokenkeeper_store::Version;

use crate::{
    clock::wall_millis,
    machine::Stored,
    record::{
        Authorization, Failures, Health, Held, Live, Record, State, Terms, Tombstone, WallMillis,
    },
    source::Stamp,
};

/// The newest record known here.
pub(crate) struct Known {
    pub(crate) version: Version,
    /// It is in the store. If not, a flight is writing it.
    pub(crate) written: bool,
    form: Form,
}

enum Form {
    Resting(Resting),
    Whole(Box<Record<Held>>),
}

/// Tokens that nothing is wrong with, and for which nothing is under way.
struct Resting {
    number: u64,
    id: [u64; 2],
    generation: u64,
    born_of: u32,
    presented: u32,
    access_token: AccessToken,
    refresh_token: Option<RefreshToken>,
    issued_at: WallMillis,
    expires_at: Option<NonZeroU64>,
    common: Arc<Common>,
}

/// What one account's tokens have in common with another's, mostly.
#[derive(Debug, PartialEq)]
struct Common {
    token_type: Option<String>,
    scope: Option<String>,
    extra: Map<String, Value>,
    terms: Terms,
}

/// What the last account's tokens had in common with the next one's.
#[derive(Debug, Default)]
pub(crate) struct Shared(Mutex<Weak<Common>>);

impl Known {
    pub(crate) fn new(stored: Stored<Held>, written: bool, shared: &Shared) -> Self {
        let Stored { version, record } = stored;
        let form = match Resting::of(&record, shared) {
            Some(resting) => Form::Resting(resting),
            None => Form::Whole(Box::new(record)),
        };
        Self {
            version,
            written,
            form,
        }
    }

    pub(crate) fn record(&self) -> Record<Held> {
        match &self.form {
            Form::Resting(resting) => Record {
                state: State::Live(resting.live()),
                login: None,
            },
            Form::Whole(record) => Record::clone(record),
        }
    }

    pub(crate) fn stored(&self) -> Stored<Held> {
        Stored {
            version: self.version,
            record: self.record(),
        }
    }

    pub(crate) fn live(&self) -> Option<Live<Held>> {
        match &self.form {
            Form::Resting(resting) => Some(resting.live()),
            Form::Whole(record) => record.live().cloned(),
        }
    }

    /// Which token set it holds, if it is no tombstone.
    pub(crate) fn stamp(&self) -> Option<Stamp> {
        match &self.form {
            Form::Resting(resting) => Some(Stamp {
                authorization: resting.number,
                generation: resting.generation,
            }),
            Form::Whole(record) => record.live().map(Live::stamp),
        }
    }

    pub(crate) fn access_token(&self) -> Option<&AccessToken> {
        match &self.form {
            Form::Resting(resting) => Some(&resting.access_token),
            Form::Whole(record) => Some(&record.live()?.tokens.tokens.access_token),
        }
    }

    /// The tombstone, if it is one.
    pub(crate) fn tombstone(&self) -> Option<&Tombstone<Held>> {
        match &self.form {
            Form::Whole(record) => match &record.state {
                State::Ended(tombstone) => Some(tombstone),
                State::Empty | State::Live(_) => None,
            },
            Form::Resting(_) => None,
        }
    }
}

impl Resting {
    fn of(record: &Record<Held>, shared: &Shared) -> Option<Self> {
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
            generation: live.generation,
            born_of: live.born_of,
            presented: live.presented,
            access_token: tokens.access_token.clone(),
            refresh_token: tokens.refresh_token.clone(),
            issued_at: wall_millis(tokens.issued_at),
            expires_at,
            common: shared.common(tokens, terms),
        })
    }

    fn live(&self) -> Live<Held> {
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
            generation: self.generation,
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

#[cfg(test)]
mod tests;
