//! The health of an account, in one word.

use std::fmt;

use tokenkeeper_refresh::{Health, Live, Record, State, WallMillis};

use crate::engine::Payload;

/// The health of an account: what a person or the engine must do about it.
///
/// An account has one: the first of this list that fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum AccountHealth {
    /// A new login is needed.
    ReauthorizationRequired,
    /// The token endpoint refuses the client, or the token's type is not attached: the
    /// configuration is at fault.
    Misconfigured,
    /// The token endpoint refuses without a usable reason. The engine retries with growing pauses.
    Unexplained,
    /// The access token has expired and no refresh has succeeded since. Without a
    /// [`Refresher`](crate::Refresher), that is usual for an account that no caller uses.
    Expired,
    /// The access token is valid, but the last refresh failed. The engine retries.
    Failing,
    /// The access token is valid and the last refresh did not fail.
    Healthy,
    /// The account is disconnected, and tokens remain to be revoked at the provider.
    RevocationPending,
    /// The account is disconnected.
    Disconnected,
    /// The account was never connected, or nothing of it is kept.
    NotConnected,
}

impl AccountHealth {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::ReauthorizationRequired,
        Self::Misconfigured,
        Self::Unexplained,
        Self::Expired,
        Self::Failing,
        Self::Healthy,
        Self::RevocationPending,
        Self::Disconnected,
        Self::NotConnected,
    ];

    /// Returns its name, for labels, such as `reauthorization_required`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReauthorizationRequired => "reauthorization_required",
            Self::Misconfigured => "misconfigured",
            Self::Unexplained => "unexplained",
            Self::Expired => "expired",
            Self::Failing => "failing",
            Self::Healthy => "healthy",
            Self::RevocationPending => "revocation_pending",
            Self::Disconnected => "disconnected",
            Self::NotConnected => "not_connected",
        }
    }

    /// Returns the health of an account with this record. `unattachable`: the configuration does
    /// not attach its token.
    pub(crate) fn of(
        record: Option<&Record<Payload>>,
        unattachable: bool,
        wall: WallMillis,
    ) -> Self {
        let Some(record) = record else {
            return Self::NotConnected;
        };
        match &record.state {
            State::Empty => Self::NotConnected,
            State::Ended(tombstone) if tombstone.forgotten => Self::NotConnected,
            State::Ended(_) if !record.revoke.is_empty() => Self::RevocationPending,
            State::Ended(_) => Self::Disconnected,
            State::Live(live) => Self::of_live(live, unattachable, wall),
        }
    }

    fn of_live(live: &Live<Payload>, unattachable: bool, wall: WallMillis) -> Self {
        let payload = &live.payload;
        let expired = payload.expires_by(wall);
        if live.reauthorize().is_some() || expired && payload.refresh_token.is_none() {
            Self::ReauthorizationRequired
        } else if unattachable || matches!(live.health, Health::Misconfigured(_)) {
            Self::Misconfigured
        } else if live.failures.refused_since.is_some() {
            Self::Unexplained
        } else if expired {
            Self::Expired
        } else if live.failures.count > 0 {
            Self::Failing
        } else {
            Self::Healthy
        }
    }
}

impl fmt::Display for AccountHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
