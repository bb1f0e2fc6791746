//! The record that the store keeps for an account, as the refresh protocol sees it.
//!
//! The protocol decides by authorization, generation, health and attempt. The tokens are a payload
//! `T`, which it reads only through [`Payload`].

mod flow;
mod health;
mod last_failure;
mod live;
mod order;
mod rare;
mod wire;

use std::ops::{Deref, DerefMut};

use serde::{Deserialize, Serialize};

pub(crate) use self::order::{MergeContext, merge};
pub use self::{
    flow::{Flow, Login},
    health::{Cause, Failures, Health},
    last_failure::{FailureClass, LastFailure},
    live::{Attempt, Condition, Live, TokenVersion},
    order::{Merged, Newer, compare_records},
    rare::{Empty, Rare},
};
use crate::{
    id::Id,
    instant::WallMillis,
    mutation::{Mutation, broken},
    payload::Payload,
    rules::Rules,
};

/// One login of an account. The higher number is the newer login; the id distinguishes two logins
/// with the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Authorization {
    /// At least the Unix time in milliseconds when the login began, and higher than every number
    /// seen before.
    pub number: u64,
    /// The id of the login's flow; random bits for adopted tokens.
    pub id: Id,
}

impl Authorization {
    /// Older than every login.
    pub(crate) const NONE: Self = Self {
        number: 0,
        id: Id([0; 16]),
    };
}

/// What the store keeps for an account. It dereferences to its [`Pending`] part.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(
    from = "wire::Record<T>",
    bound(deserialize = "T: Deserialize<'de>", serialize = "T: Serialize")
)]
pub struct Record<T> {
    /// The newest login, or its tombstone.
    pub state: State<T>,
    /// Unfinished work, usually none.
    #[serde(flatten)]
    pub pending: Rare<Pending<T>>,
}

/// The unfinished work of an account: a login in flight, flows that have not ended, and pending
/// revocations.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Pending<T> {
    /// The login in flight. The state does not change until its tokens are written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login: Option<Login>,
    /// Tokens of disconnected or replaced logins that are not yet revoked at the provider.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub revoke: Vec<T>,
    /// The failures of revoking the first of them.
    #[serde(skip_serializing_if = "Failures::is_none")]
    pub revocation: Failures,
    /// The flows whose code was answered or whose login in flight was replaced, until they end:
    /// their codes are never sent again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub used_flows: Vec<Flow>,
}

impl<T> Pending<T> {
    const NOTHING: Self = Self {
        login: None,
        revoke: Vec::new(),
        revocation: Failures::NONE,
        used_flows: Vec::new(),
    };
}

impl<T> Default for Pending<T> {
    fn default() -> Self {
        Self::NOTHING
    }
}

impl<T> Empty for Pending<T> {
    fn empty<'a>() -> &'a Self
    where
        Self: 'a,
    {
        const { &Self::NOTHING }
    }

    fn is_empty(&self) -> bool {
        self.login.is_none()
            && self.revoke.is_empty()
            && self.revocation.is_none()
            && self.used_flows.is_empty()
    }
}

impl<T> Deref for Record<T> {
    type Target = Pending<T>;

    fn deref(&self) -> &Pending<T> {
        &self.pending
    }
}

impl<T> DerefMut for Record<T> {
    fn deref_mut(&mut self) -> &mut Pending<T> {
        &mut self.pending
    }
}

/// The state of an account: never connected, connected or disconnected.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State<T> {
    /// No login was ever completed.
    Empty,
    /// Connected: there are tokens.
    Live(Live<T>),
    /// Disconnected: a tombstone.
    Ended(Tombstone),
}

/// The record of a disconnect: which authorization it ended, and at which generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Tombstone {
    /// The authorization that ended.
    pub authorization: Authorization,
    /// The newest generation known to the disconnect.
    pub generation: u64,
    /// The account was forgotten: nothing of it is kept, and no process restores what it has in
    /// memory.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forgotten: bool,
}

impl<T> Record<T> {
    /// Returns an empty record.
    #[must_use]
    pub fn empty() -> Self {
        Self::of(State::Empty)
    }

    pub(crate) fn of(state: State<T>) -> Self {
        Self {
            state,
            pending: Rare::default(),
        }
    }

    /// Returns the tokens in use, if the account is connected.
    #[must_use]
    pub fn live(&self) -> Option<&Live<T>> {
        match &self.state {
            State::Live(live) => Some(live),
            State::Empty | State::Ended(_) => None,
        }
    }

    pub(crate) fn live_mut(&mut self) -> Option<&mut Live<T>> {
        match &mut self.state {
            State::Live(live) => Some(live),
            State::Empty | State::Ended(_) => None,
        }
    }

    /// Returns whether the account was disconnected.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        matches!(self.state, State::Ended(_))
    }

    /// Returns whether the account was forgotten.
    #[must_use]
    pub fn is_forgotten(&self) -> bool {
        matches!(&self.state, State::Ended(tombstone) if tombstone.forgotten)
    }

    /// Returns the newest authorization, disconnected or not.
    #[must_use]
    pub fn authorization(&self) -> Option<Authorization> {
        match &self.state {
            State::Empty => None,
            State::Live(live) => Some(live.authorization),
            State::Ended(tombstone) => Some(tombstone.authorization),
        }
    }

    /// Replaces everything by the mark of a forgotten account. `newest` is the authorization that
    /// it ends if the record does not show a later one.
    pub(crate) fn forget(&mut self, newest: Option<Authorization>, wall: WallMillis) {
        let ended = self.end_device_login(wall);
        let newest = newest.into_iter().chain(ended).max_by_key(|a| a.number);
        if let Some(login) = self.login.take() {
            // Its process goes on with it, and no other may send its code.
            self.retire(&login, wall);
        }
        let shown = self.authorization().unwrap_or(Authorization::NONE);
        self.state = State::Ended(Tombstone {
            authorization: newest
                .filter(|newest| newest.number > shown.number)
                .unwrap_or(shown),
            generation: self.generation(),
            forgotten: true,
        });
        self.revoke.clear();
        self.revocation = Failures::default();
        self.tidy();
    }

    /// Takes a login by device code that waits for a person's decision. Returns its authorization,
    /// for the tombstone: tokens that it still brings belong to a login that was ended.
    fn end_device_login(&mut self, wall: WallMillis) -> Option<Authorization> {
        let device =
            |login: &mut Login| login.device && !broken(Mutation::DeviceOutlivesDisconnect);
        let login = self.login.take_if(device)?;
        self.retire(&login, wall);
        Some(login.authorization)
    }

    /// Returns the version of the token set, if there is one.
    #[must_use]
    pub fn token_version(&self) -> Option<TokenVersion> {
        self.live().map(Live::token_version)
    }

    pub(crate) fn generation(&self) -> u64 {
        match &self.state {
            State::Empty => 0,
            State::Live(live) => live.generation,
            State::Ended(tombstone) => tombstone.generation,
        }
    }

    /// Returns the number of the newest authorization, or 0 if there is none.
    pub(crate) fn number(&self) -> u64 {
        self.authorization().map_or(0, |a| a.number)
    }

    /// Returns the highest authorization number in the record, including a login in flight.
    pub(crate) fn highest_number(&self) -> u64 {
        self.number()
            .max(self.login.map_or(0, |l| l.authorization.number))
    }

    /// Drops the boxes of parts that have become empty.
    pub(crate) fn tidy(&mut self) {
        self.pending.tidy();
        if let State::Live(live) = &mut self.state {
            live.condition.tidy();
        }
    }

    /// Returns whether nothing would be lost with the record.
    pub(crate) fn is_vacant(&self) -> bool {
        matches!(self.state, State::Empty)
            && self.login.is_none()
            && self.revoke.is_empty()
            && self.used_flows.is_empty()
    }
}

impl<T: Payload> Record<T> {
    /// Lists tokens for revocation, once.
    pub(crate) fn revoke_later(&mut self, payload: &T) {
        if !self.revoke.contains(payload) {
            self.revoke.push(payload.clone());
            let excess = self.revoke.len().saturating_sub(MAX_REVOCATIONS);
            self.revoke.drain(..excess);
        }
    }

    /// Replaces `live` by its tombstone, and lists its tokens for revocation if the provider can
    /// revoke.
    pub(crate) fn disconnect(&mut self, live: &Live<T>, rules: &Rules, wall: WallMillis) {
        let mut tombstone = live.tombstone();
        if let Some(authorization) = self.end_device_login(wall) {
            // No generation of it is known.
            (tombstone.authorization, tombstone.generation) = (authorization, 0);
        }
        self.state = State::Ended(tombstone);
        if rules.revokes {
            self.revoke_later(&live.payload);
        }
    }
}

/// The number of token sets that a record lists for revocation; the oldest are dropped.
const MAX_REVOCATIONS: usize = 8;
