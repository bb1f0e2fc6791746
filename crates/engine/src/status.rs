//! The state of an account.

use std::time::SystemTime;

use tokenkeeper_refresh::{Cause, Health, Live, State};

use crate::{
    clock::{system_time, wall_millis},
    engine::{AccountEntry, Payload},
    failure::RefreshFailure,
    health::AccountHealth,
};

/// The state of an account, as [`Account::status`](crate::Account::status) returns it.
///
/// ```
/// use tokenkeeper_engine::{AccountHealth, Status, protocol::TokenSet};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tokenkeeper_engine::Error> {
/// # let accounts = tokenkeeper_test_support::World::amiqus().accounts;
/// let account = accounts.account("amiqus", "user-42")?;
/// assert_eq!(account.status().await?, Status::NotConnected);
///
/// account.adopt(TokenSet::new("access-1")).await?;
/// let Status::Connected(connection) = account.status().await? else {
///     panic!("the account has tokens");
/// };
/// assert!(connection.written && connection.reauthorize.is_none());
/// assert!(!connection.has_refresh_token, "`adopt` got none");
/// assert_eq!(connection.health, AccountHealth::Healthy);
/// # Ok(()) }
/// ```
#[allow(
    clippy::large_enum_variant,
    reason = "a status is read now and then, and matched without a box"
)]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// The account was never connected, or its record is gone.
    NotConnected,
    /// The account was disconnected.
    Disconnected {
        /// Whether tokens remain to be revoked at the provider.
        revocation_pending: bool,
    },
    /// The account has tokens, which may need a new login: see [`Connection::reauthorize`].
    Connected(Connection),
}

/// The state of an account that has tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connection {
    /// The number of the token set within this login.
    pub generation: u64,
    /// The time at which the tokens were issued: that of the last login or refresh.
    pub issued_at: SystemTime,
    /// The expiry of the access token; `None` if the provider does not state it.
    pub expires_at: Option<SystemTime>,
    /// Whether the login brought a refresh token. Without one, a new login is needed once the
    /// access token expires.
    pub has_refresh_token: bool,
    /// The expiry of the refresh token; `None` if the provider does not state it. A refresh may
    /// bring a later one.
    pub refresh_expires_at: Option<SystemTime>,
    /// The scope that the login asked for, or that of the adopted tokens, if there was one.
    pub scope: Option<String>,
    /// The reason why a new login is needed; `None` if it is not.
    pub reauthorize: Option<Cause>,
    /// Whether the configuration is at fault: the token endpoint refuses the client, or the token
    /// has a type that the dialect does not attach. The tokens are kept.
    pub misconfigured: bool,
    /// The time since when the token endpoint refuses without a reason; `None` if it does not. The
    /// engine retries with growing pauses.
    pub refused_since: Option<SystemTime>,
    /// Whether tokens of an earlier login remain to be revoked at the provider.
    pub revocation_pending: bool,
    /// Whether the newest tokens are in the store.
    pub written: bool,
    /// The last failure, if no refresh has succeeded since: its class, its error code, since when
    /// and when. A record that an earlier version wrote names none.
    pub failure: Option<RefreshFailure>,
    /// The earliest time of the next attempt after that failure, by the clock of the process that
    /// saw it; `None` if there was none, or if only a new login helps.
    pub retry_at: Option<SystemTime>,
    /// The health at the time of the read.
    pub health: AccountHealth,
}

impl Status {
    /// Returns the health of the account at the time of the read.
    #[must_use]
    pub const fn health(&self) -> AccountHealth {
        match self {
            Self::NotConnected => AccountHealth::NotConnected,
            Self::Disconnected {
                revocation_pending: true,
            } => AccountHealth::RevocationPending,
            Self::Disconnected { .. } => AccountHealth::Disconnected,
            Self::Connected(connection) => connection.health,
        }
    }

    /// Returns the state of an account as memory has it, at the time `now`.
    pub(crate) fn of(entry: &AccountEntry, now: SystemTime) -> Self {
        let inner = entry.lock();
        let Some(record) = inner.machine.record() else {
            return Self::NotConnected;
        };
        let revocation_pending = !record.revoke.is_empty();
        let live = match &record.state {
            State::Empty => return Self::NotConnected,
            State::Ended(tombstone) if tombstone.forgotten => return Self::NotConnected,
            State::Ended(_) => return Self::Disconnected { revocation_pending },
            State::Live(live) => live,
        };
        Self::Connected(Connection {
            generation: live.generation,
            issued_at: live.payload.issued_at(),
            expires_at: live.payload.expires_at(),
            has_refresh_token: live.payload.refresh_token.is_some(),
            refresh_expires_at: live.payload.refresh_expires_at(),
            scope: live.payload.terms().scope.clone(),
            misconfigured: matches!(live.health, Health::Misconfigured(_))
                || inner.is_misconfigured(),
            reauthorize: reauthorize(live, now),
            refused_since: live.failures.refused_since.map(system_time),
            revocation_pending,
            written: inner.machine.is_written(),
            failure: live
                .last_failure
                .clone()
                .map(|failure| RefreshFailure::new(failure, live.failures.noted)),
            retry_at: retry_at(live),
            health: AccountHealth::of(Some(record), inner.is_misconfigured(), wall_millis(now)),
        })
    }
}

/// Returns the earliest time of the next attempt after a failure.
fn retry_at(live: &Live<Payload>) -> Option<SystemTime> {
    let failures = &live.failures;
    let retries = failures.count > 0 && failures.noted > 0 && !live.is_dead();
    retries.then(|| system_time(failures.noted.saturating_add(failures.pause)))
}

/// Returns why a new login is needed: the token endpoint says so, or nothing is left to refresh an
/// expired token with.
fn reauthorize(live: &Live<Payload>, now: SystemTime) -> Option<Cause> {
    let payload = &live.payload;
    let expired = payload.expires_at().is_some_and(|at| at <= now);
    let spent = expired && payload.refresh_token.is_none();
    let cause = live.reauthorize().cloned();
    cause.or(spent.then_some(Cause::NoRefreshToken))
}
