//! How an account is.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokenkeeper_refresh::{Cause, Health, State};

use crate::engine::AccountEntry;

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
    /// Since when the token endpoint refuses without a reason, if it does. It is asked again now
    /// and then.
    pub refused_since: Option<SystemTime>,
    /// Tokens of an earlier login still have to be revoked at the provider.
    pub revocation_pending: bool,
    /// The newest tokens are in the store.
    pub written: bool,
}

impl Status {
    pub(crate) fn of(entry: &AccountEntry) -> Self {
        let inner = entry.lock();
        let Some(record) = inner.machine.record() else {
            return Self::NotConnected;
        };
        let revocation_pending = !record.revoke.is_empty();
        let live = match &record.state {
            State::Empty => return Self::NotConnected,
            State::Ended(_) => return Self::Disconnected { revocation_pending },
            State::Live(live) => live,
        };
        Self::Connected(Connection {
            generation: live.generation,
            expires_at: live.payload.expires_at(),
            scope: live.payload.terms().scope.clone(),
            misconfigured: matches!(live.health, Health::Misconfigured(_)),
            reauthorize: match &live.health {
                Health::Dead(cause) | Health::Suspect(cause) => Some(cause.clone()),
                Health::Alive | Health::Misconfigured(_) => None,
            },
            refused_since: live
                .failures
                .refused_since
                .map(|millis| UNIX_EPOCH + Duration::from_millis(millis)),
            revocation_pending,
            written: inner.machine.is_written(),
        })
    }
}
