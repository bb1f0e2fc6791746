//! How an account is.

use std::time::SystemTime;

use crate::{
    Cause,
    engine::Slot,
    record::{Health, State},
};

/// How an account is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// Nobody has connected it.
    NotConnected,
    /// It was disconnected.
    Disconnected {
        /// Its tokens still have to be revoked at the provider.
        revocation_pending: bool,
    },
    /// There are tokens.
    Connected(Connection),
}

/// An account that has tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connection {
    /// Counts the token sets of this login.
    pub generation: u64,
    /// When the access token ends; `None` where the provider did not say.
    pub expires_at: Option<SystemTime>,
    /// What was granted, where it is known.
    pub scope: Option<String>,
    /// Why a new login is needed, if one is.
    pub reauthorize: Option<Cause>,
    /// The token endpoint refuses the client with its present configuration.
    pub misconfigured: bool,
    /// The newest tokens are in the store.
    pub written: bool,
}

impl Status {
    pub(crate) fn of(slot: &Slot) -> Self {
        let inner = slot.lock();
        let Some(known) = &inner.known else {
            return Self::NotConnected;
        };
        match known.record().state {
            State::Empty => Self::NotConnected,
            State::Ended(tombstone) => Self::Disconnected {
                revocation_pending: tombstone.revoke.is_some(),
            },
            State::Live(live) => Self::Connected(Connection {
                generation: live.generation,
                expires_at: live.tokens.tokens.expires_at,
                scope: live.tokens.terms.scope,
                misconfigured: matches!(live.health, Health::Misconfigured(_)),
                reauthorize: match live.health {
                    Health::Dead(cause) => Some(cause),
                    _ => None,
                },
                written: known.is_written(),
            }),
        }
    }
}
