//! A token set and the state of its refresh token.

use std::ops::{Deref, DerefMut};

use serde::{Deserialize, Serialize};

use super::{Authorization, Cause, Empty, Failures, Health, LastFailure, Rare, Tombstone, wire};
use crate::{id::Id, instant::millis, rules::Rules};

/// A token set and what is known about it. It dereferences to its [`Condition`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "wire::Live<T>", bound(deserialize = "T: Deserialize<'de>"))]
pub struct Live<T> {
    /// The login that the tokens belong to.
    pub authorization: Authorization,
    /// The number of this token set within its authorization, from 1.
    pub generation: u64,
    /// The number of the presentation of the previous refresh token that brought these tokens; 0
    /// for a code exchange.
    pub born_of: u32,
    /// How many times this generation's refresh token was presented, including the attempt in
    /// flight.
    pub presented: u32,
    /// The tokens.
    #[serde(rename = "tokens")]
    pub payload: T,
    /// The results of presenting its refresh token, usually none.
    #[serde(flatten)]
    pub condition: Rare<Condition>,
}

/// The results of presenting a refresh token.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Condition {
    /// A presentation was not answered, so a refusal may only mean that its answer was lost.
    pub unanswered: bool,
    /// The attempt in flight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<Box<Attempt>>,
    /// The token endpoint's last verdict on the refresh token.
    pub health: Health,
    /// Failures of this generation, shared by all processes.
    #[serde(skip_serializing_if = "Failures::is_none")]
    pub failures: Failures,
    /// The last of these failures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<LastFailure>,
}

static UNTROUBLED: Condition = Condition {
    unanswered: false,
    attempt: None,
    health: Health::Alive,
    failures: Failures::NONE,
    last_failure: None,
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

impl<T> Live<T> {
    /// Returns the first token set of a login.
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

    /// Returns the version of this token set.
    #[must_use]
    pub fn token_version(&self) -> TokenVersion {
        TokenVersion {
            authorization: self.authorization.number,
            generation: self.generation,
        }
    }

    /// Returns whether the token was refused permanently, so that a new login is required.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.attempt.is_none() && self.refusal().is_some()
    }

    /// Returns why the token was refused permanently. While an attempt is in flight the refusal is
    /// not final: another process took the attempt over, and may have been granted new tokens.
    pub(crate) fn refusal(&self) -> Option<&Cause> {
        match &self.health {
            Health::Dead(cause) => Some(cause),
            _ => None,
        }
    }

    /// Returns why a new login is required, if it is.
    #[must_use]
    pub fn reauthorize(&self) -> Option<&Cause> {
        match &self.health {
            Health::Dead(cause) => self.attempt.is_none().then_some(cause),
            Health::Suspect(cause) => Some(cause),
            Health::Alive | Health::Misconfigured(_) => None,
        }
    }

    pub(crate) fn tombstone(&self) -> Tombstone {
        Tombstone {
            authorization: self.authorization,
            generation: self.generation,
            forgotten: false,
        }
    }
}

/// Identifies a token set within one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenVersion {
    /// The number of the authorization.
    pub authorization: u64,
    /// The generation.
    pub generation: u64,
}

/// One presentation of a refresh token or a code, recorded before it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Attempt {
    /// Random bits.
    pub id: Id,
    /// The incarnation of the process that made it. Only that process knows whether the attempt is
    /// finished.
    pub holder: Id,
    /// How long other processes leave the attempt alone, in milliseconds.
    pub lease: u64,
    /// A digest of the refresh token that it presents; 0 for a code. It shows an operator which
    /// token was sent; no decision depends on it.
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

    /// Makes the claim of a device code, which all its polls share.
    pub(crate) fn of_device(id: Id, rules: &Rules) -> Self {
        Self {
            lease: millis(rules.device_lease()),
            ..Self::new(id, 0, rules)
        }
    }
}
