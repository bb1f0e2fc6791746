//! What the store keeps for an account, as the refresh protocol sees it.
//!
//! The protocol decides by authorization, generation, health and attempt. The tokens are a payload
//! `T` that it carries and never looks into, except through [`Payload`].

mod health;
mod order;
mod rare;
mod wire;

use std::ops::{Deref, DerefMut};

use serde::{Deserialize, Serialize};

pub(crate) use self::order::{MergeContext, merge};
pub use self::{
    health::{Cause, Failures, Health},
    order::{Merged, Newer, compare_records},
    rare::{Empty, Rare},
};
use crate::{id::Id, instant::millis, payload::Payload, rules::Rules};

/// One login of an account. The higher number is the newer login; the id tells two apart that drew
/// the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Authorization {
    /// At least the milliseconds since 1970 when the login began, and more than every number seen
    /// before.
    pub number: u64,
    /// Random.
    pub id: Id,
}

/// What the store keeps for an account. What is [`Pending`] reads as if it were a part of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(
    from = "wire::Record<T>",
    bound(deserialize = "T: Deserialize<'de>", serialize = "T: Serialize")
)]
pub struct Record<T> {
    /// The newest login, or its end.
    pub state: State<T>,
    /// What is not finished yet: mostly nothing.
    #[serde(flatten)]
    pub pending: Rare<Pending<T>>,
}

/// What is not finished yet of an account.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Pending<T> {
    /// A code exchange in flight. The state stays as it is until the new tokens are written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login: Option<Login>,
    /// Tokens of ended or replaced logins that still have to be revoked at the provider.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub revoke: Vec<T>,
    /// How the revocation of the first of them has failed so far.
    #[serde(skip_serializing_if = "Failures::is_none")]
    pub revocation: Failures,
}

impl<T> Pending<T> {
    const NOTHING: Self = Self {
        login: None,
        revoke: Vec::new(),
        revocation: Failures::NONE,
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
        self.login.is_none() && self.revoke.is_empty() && self.revocation.is_none()
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

/// Whether the account has tokens.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State<T> {
    /// No login was ever finished.
    Empty,
    /// There are tokens.
    Live(Live<T>),
    /// Disconnected: a tombstone.
    Ended(Tombstone),
}

/// A token set and everything that is known of it. Its [`Condition`] reads as if it were a part of
/// it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "wire::Live<T>", bound(deserialize = "T: Deserialize<'de>"))]
pub struct Live<T> {
    /// The login that the tokens belong to.
    pub authorization: Authorization,
    /// Counts the token sets of this authorization, from 1.
    pub generation: u64,
    /// Which presentation of the previous refresh token brought these tokens; 0 for a code
    /// exchange.
    pub born_of: u32,
    /// How often this generation's refresh token was presented, including the attempt in flight.
    pub presented: u32,
    /// The tokens.
    #[serde(rename = "tokens")]
    pub payload: T,
    /// What the presentations of its refresh token have led to: mostly nothing.
    #[serde(flatten)]
    pub condition: Rare<Condition>,
}

/// What the presentations of a refresh token have led to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Condition {
    /// A presentation has no answer: a refusal may only mean that its answer was lost.
    pub unanswered: bool,
    /// The presentation in flight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<Box<Attempt>>,
    /// What the token endpoint thinks of the refresh token.
    pub health: Health,
    /// Failures of this generation, shared by all processes.
    #[serde(skip_serializing_if = "Failures::is_none")]
    pub failures: Failures,
}

static UNTROUBLED: Condition = Condition {
    unanswered: false,
    attempt: None,
    health: Health::Alive,
    failures: Failures::NONE,
};

impl Default for Condition {
    fn default() -> Self {
        UNTROUBLED.clone()
    }
}

impl Empty for Condition {
    fn empty<'a>() -> &'a Self {
        &UNTROUBLED
    }

    fn is_empty(&self) -> bool {
        *self == UNTROUBLED
    }
}

impl<T> Deref for Live<T> {
    type Target = Condition;

    fn deref(&self) -> &Condition {
        &self.condition
    }
}

impl<T> DerefMut for Live<T> {
    fn deref_mut(&mut self) -> &mut Condition {
        &mut self.condition
    }
}

/// Names a token set: compared only within one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenVersion {
    /// The number of its authorization.
    pub authorization: u64,
    /// Its generation.
    pub generation: u64,
}

/// One redemption, written down before it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Attempt {
    /// Random.
    pub id: Id,
    /// The incarnation of the process that made it. Its own process knows whether the attempt is
    /// over.
    pub holder: Id,
    /// How long other processes leave it alone, in milliseconds.
    pub lease: u64,
    /// Of the refresh token that it presents; 0 for a code. Nothing is decided by it: it tells an
    /// operator which token was sent.
    pub digest: u64,
}

impl Attempt {
    pub(crate) fn new(id: Id, digest: u64, rules: &Rules) -> Self {
        Self {
            id,
            holder: rules.holder,
            lease: millis(rules.lease),
            digest,
        }
    }
}

/// A code exchange in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Login {
    /// The authorization that it makes.
    pub authorization: Authorization,
    /// The exchange.
    pub attempt: Attempt,
}

/// A disconnect: which authorization it ended, and at which generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Tombstone {
    /// The authorization that ended.
    pub authorization: Authorization,
    /// The newest generation that the disconnect knew.
    pub generation: u64,
}

impl<T> Record<T> {
    /// A record without anything.
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

    /// The tokens in use, if the account is connected.
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

    /// Whether the account was disconnected.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        matches!(self.state, State::Ended(_))
    }

    /// The newest authorization, ended or not.
    #[must_use]
    pub fn authorization(&self) -> Option<Authorization> {
        match &self.state {
            State::Empty => None,
            State::Live(live) => Some(live.authorization),
            State::Ended(tombstone) => Some(tombstone.authorization),
        }
    }

    /// Which token set it holds.
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

    /// The number of the newest authorization, 0 for none.
    pub(crate) fn number(&self) -> u64 {
        self.authorization().map_or(0, |a| a.number)
    }

    /// The highest authorization number that the record has seen, including a login in flight.
    pub(crate) fn highest_number(&self) -> u64 {
        self.number()
            .max(self.login.map_or(0, |l| l.authorization.number))
    }

    /// Drops the boxes of what has become empty.
    pub(crate) fn tidy(&mut self) {
        self.pending.tidy();
        if let State::Live(live) = &mut self.state {
            live.condition.tidy();
        }
    }

    /// Nothing would be lost with it.
    pub(crate) fn is_vacant(&self) -> bool {
        matches!(self.state, State::Empty) && self.login.is_none() && self.revoke.is_empty()
    }
}

impl<T: Payload> Record<T> {
    /// Notes tokens for revocation, once.
    pub(crate) fn revoke_later(&mut self, payload: &T) {
        if !self.revoke.contains(payload) {
            self.revoke.push(payload.clone());
            let excess = self.revoke.len().saturating_sub(MAX_REVOCATIONS);
            self.revoke.drain(..excess);
        }
    }

    /// Ends the login of `live`, whose tokens are revoked where the provider can.
    pub(crate) fn disconnect(&mut self, live: &Live<T>, rules: &Rules) {
        self.state = State::Ended(live.tombstone());
        if rules.revokes {
            self.revoke_later(&live.payload);
        }
    }
}

/// How many token sets wait for their revocation in one record; the oldest are dropped.
const MAX_REVOCATIONS: usize = 8;

impl<T> Live<T> {
    /// The first token set of a login.
    #[must_use]
    pub fn first(authorization: Authorization, payload: T) -> Self {
        Self {
            authorization,
            generation: 1,
            born_of: 0,
            presented: 0,
            payload,
            condition: Rare::default(),
        }
    }

    /// Which token set it is.
    #[must_use]
    pub fn token_version(&self) -> TokenVersion {
        TokenVersion {
            authorization: self.authorization.number,
            generation: self.generation,
        }
    }

    /// Whether only a new login helps.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        matches!(self.health, Health::Dead(_))
    }

    pub(crate) fn tombstone(&self) -> Tombstone {
        Tombstone {
            authorization: self.authorization,
            generation: self.generation,
        }
    }
}
