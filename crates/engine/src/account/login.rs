//! What begins, describes and ends an account's login.

use tokenkeeper_protocol::{Introspection, LoginData, Provider as _, TokenSet};

use super::Account;
use crate::{
    connect,
    device::DeviceLogin,
    engine::{Payload, Terms, acquire, change, introspection},
    error::Error,
    flow::{ConnectOptions, LoginRedirect},
};

impl Account {
    /// Starts a login: returns the redirect and the flow to keep until the callback. No I/O.
    ///
    /// # Errors
    /// [`Error::Protocol`] if the authorization request cannot be built from the configuration, and
    /// [`Error::AuditFull`] if a full [audit trail](crate::Audit::back_pressure) holds it back.
    pub fn connect(&self) -> Result<LoginRedirect, Error> {
        self.connect_with(&ConnectOptions::default())
    }

    /// Starts a login with a scope or further parameters. No I/O.
    ///
    /// # Errors
    /// As [`connect`](Self::connect), also for a scope or a parameter that the provider does not
    /// take.
    pub fn connect_with(&self, options: &ConnectOptions) -> Result<LoginRedirect, Error> {
        connect::start(&self.core, &self.entry, options)
    }

    /// Starts a login by device code (RFC 8628), for a device without a browser: asks the provider
    /// for a code that the person types on another device.
    ///
    /// # Errors
    /// - [`Error::DeviceAuthorization`] if the provider has no login by device code, refuses this
    ///   client, or did not answer.
    /// - [`Error::ShutDown`] after a shutdown.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropping the future stops the waiting. Codes that still arrive expire unused.
    pub async fn connect_device(&self) -> Result<DeviceLogin, Error> {
        self.connect_device_with(&ConnectOptions::default()).await
    }

    /// Starts a login by device code with a scope or further parameters.
    ///
    /// # Errors
    /// As [`connect_device`](Self::connect_device), also for a scope or a parameter that the
    /// provider does not take.
    ///
    /// # Cancel safety
    ///
    /// As [`connect_device`](Self::connect_device).
    pub async fn connect_device_with(
        &self,
        options: &ConnectOptions,
    ) -> Result<DeviceLogin, Error> {
        DeviceLogin::start(self, options).await
    }

    /// Adopts tokens that the application already has, as a new login of this account. The members
    /// in [`TokenSet::extra`] become its [login data](Self::login_data).
    ///
    /// [`adopt_with`](Self::adopt_with) also takes what the redirect of that login brought.
    ///
    /// If the store fails after the first read, the tokens are kept in memory, served and written
    /// later, and [`EventKind::StoreBehind`](crate::EventKind::StoreBehind) is sent.
    ///
    /// # Errors
    /// - [`Error::Store`] if the store cannot be read, [`Error::Record`] if its record cannot.
    /// - [`Error::RevocationPending`] if an earlier disconnect is unfinished.
    /// - [`Error::Superseded`] if a newer login came first.
    /// - [`Error::Timeout`] if no result came in time, [`Error::ShutDown`] after a shutdown.
    /// - [`Error::AuditFull`] if a full [audit trail](crate::Audit::back_pressure) holds it back.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: after the first poll, the tokens are written even if the future is dropped.
    pub async fn adopt(&self, tokens: TokenSet) -> Result<(), Error> {
        self.adopt_with(tokens, LoginData::default()).await
    }

    /// Adopts tokens with the data of the login that they came from, such as the redirect's
    /// `realmId`.
    ///
    /// # Errors
    /// As [`adopt`](Self::adopt).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: after the first poll, the tokens are written even if the future is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokenkeeper_engine::protocol::{LoginData, TokenSet};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), tokenkeeper_engine::Error> {
    /// # let accounts = tokenkeeper_test_support::World::amiqus().accounts;
    /// let account = accounts.account("amiqus", "user-42")?;
    /// let login_data = LoginData::default().with_parameter("realmId", "4620816365");
    /// account.adopt_with(TokenSet::new("access-1"), login_data).await?;
    ///
    /// let login_data = account.login_data().await?;
    /// assert_eq!(login_data.parameter("realmId"), Some("4620816365"));
    /// # Ok(()) }
    /// ```
    pub async fn adopt_with(&self, tokens: TokenSet, login_data: LoginData) -> Result<(), Error> {
        let site = &self.entry.site;
        let registration = site.provider.client().registration();
        let terms = Terms {
            redirect_uri: registration.redirect_uri().to_owned(),
            scope: tokens.scope.clone(),
        };
        let payload = Payload::adopted(tokens, login_data, terms).shared(&site.shared);
        change::adopt(&self.core, &self.entry, payload).await
    }

    /// Returns what the login brought next to its tokens: further members of the token response,
    /// as later answers have changed them, and further parameters of the redirect.
    ///
    /// It reads the account from the store. If the store fails, what memory holds is returned.
    ///
    /// # Errors
    /// - [`Error::NotConnected`] or [`Error::Disconnected`] if the account has no tokens.
    /// - [`Error::Store`] if the store fails, [`Error::Record`] if its record cannot be read.
    /// - [`Error::Timeout`] if no result came in time, [`Error::ShutDown`] after a shutdown.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropping the future stops the waiting, not the read.
    pub async fn login_data(&self) -> Result<LoginData, Error> {
        self.read(|payload| payload.login_data().clone()).await
    }

    /// Returns the account's tokens, the refresh token included, to move them to another store.
    ///
    /// A provider that replaces refresh tokens takes each one once: two stores that both refresh
    /// the account end it. So [forget](Self::forget) it here before another store adopts it.
    ///
    /// It reads the account from the store, and refreshes nothing. If the store fails, what memory
    /// holds is returned.
    ///
    /// # Errors
    /// As [`login_data`](Self::login_data).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropping the future stops the waiting, not the read.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), tokenkeeper_engine::Error> {
    /// # let world = tokenkeeper_test_support::World::plain();
    /// # let account = world.connect_account().await;
    /// # let there = tokenkeeper_test_support::World::plain().accounts;
    /// let (tokens, data) = (account.token_set().await?, account.login_data().await?);
    /// account.forget().await?;
    /// let moved = there.account(account.provider(), account.subject())?;
    /// moved.adopt_with(tokens.clone(), data).await?;
    /// assert_eq!(moved.token_set().await?.refresh_token, tokens.refresh_token);
    /// # Ok(()) }
    /// ```
    pub async fn token_set(&self) -> Result<TokenSet, Error> {
        self.read(Payload::token_set).await
    }

    /// Returns the login data of the record in memory, if that has tokens.
    pub(crate) fn known_login_data(&self) -> Option<LoginData> {
        self.known(|payload| payload.login_data().clone())
    }

    /// Compares memory with the store and returns a part of the account's tokens. If the store
    /// fails, what memory holds counts.
    async fn read<T>(&self, part: impl Fn(&Payload) -> T) -> Result<T, Error> {
        self.entry.touch();
        let compared = acquire::compare(&self.core, &self.entry).await;
        match (self.known(part), compared) {
            (Some(part), _) => Ok(part),
            (None, Err(error)) => Err(error),
            (None, Ok(())) => Err(self.without_tokens()),
        }
    }

    fn known<T>(&self, part: impl Fn(&Payload) -> T) -> Option<T> {
        let inner = self.entry.lock();
        let live = inner.machine.record()?.live()?;
        Some(part(&live.payload))
    }

    /// Asks the provider what it says about the current access token (RFC 7662): whether it is
    /// active, its scope and its expiry. The answer changes nothing about the account.
    ///
    /// It reads the account from the store, and refreshes nothing: an expired token is not active.
    ///
    /// # Errors
    /// - [`Error::Introspection`] if the provider has no introspection, or did not answer.
    /// - As [`login_data`](Self::login_data) if there is no token, or it cannot be read.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropping the future stops the waiting, not the request.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), tokenkeeper_engine::Error> {
    /// # let world = tokenkeeper_test_support::World::plain();
    /// # let account = world.connect_account().await;
    /// let introspection = account.introspect().await?;
    /// assert!(introspection.active && introspection.expires_at.is_some());
    /// # Ok(()) }
    /// ```
    pub async fn introspect(&self) -> Result<Introspection, Error> {
        let token = self.read(|payload| payload.access_token.clone()).await?;
        introspection::introspect(&self.core, &self.entry, token).await
    }

    /// Disconnects the account: no process serves its tokens any more, and they are revoked if the
    /// provider supports it.
    ///
    /// If the provider is unreachable, the call succeeds anyway: the engine sends
    /// [`EventKind::RevocationPending`](crate::EventKind::RevocationPending), and a process that
    /// reads the record later finishes the revocation.
    ///
    /// # Errors
    /// - [`Error::NotConnected`] if there is nothing to disconnect.
    /// - [`Error::Superseded`] if a newer login came first. It stands.
    /// - [`Error::Store`] if the store fails, [`Error::Record`] if its record cannot be read.
    /// - [`Error::Timeout`] if no result came in time, [`Error::ShutDown`] after a shutdown.
    /// - [`Error::AuditFull`] if a full [audit trail](crate::Audit::back_pressure) holds it back.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: after the first poll, the disconnect continues even if the future is dropped.
    pub async fn disconnect(&self) -> Result<(), Error> {
        change::disconnect(&self.core, &self.entry).await
    }

    /// Forgets the account at once: its record or its tombstone leaves the store, and memory in all
    /// processes. Afterwards it is as if the account had never been connected.
    ///
    /// Nothing is revoked: [disconnect](Self::disconnect) first, and wait until
    /// [`status`](Self::status) shows no pending revocation. Tokens that are only forgotten, or
    /// still to be revoked, stay valid at the provider.
    ///
    /// It needs no readable record: one that was damaged, or whose encryption key is lost, is
    /// removed too. A refresh in flight, here or in another process, does not bring the account
    /// back; a login in flight does, since it is newer. If there is nothing to forget, the call
    /// succeeds.
    ///
    /// For other processes that still have the account in memory, a mark stays in the store for
    /// three days and twice [`Options::idle_timeout`](crate::Options::idle_timeout): under a
    /// SHA-256 of the key, with the number of the login, and without subject or tokens. A store
    /// that loses its last writes in a failover brings the account back.
    ///
    /// # Errors
    /// - [`Error::Superseded`] if a newer login came first. It stands.
    /// - [`Error::Store`] if the store fails. Call it again: some of it may be done.
    /// - [`Error::Timeout`] if no result came in time, [`Error::ShutDown`] after a shutdown.
    /// - [`Error::AuditFull`] if a full [audit trail](crate::Audit::back_pressure) holds it back.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: after the first poll, it continues even if the future is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokenkeeper_engine::{Status, protocol::TokenSet};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), tokenkeeper_engine::Error> {
    /// # let accounts = tokenkeeper_test_support::World::amiqus().accounts;
    /// let account = accounts.account("amiqus", "user-42")?;
    /// account.adopt(TokenSet::new("access-1")).await?;
    ///
    /// account.disconnect().await?;
    /// account.forget().await?;
    /// assert_eq!(account.status().await?, Status::NotConnected);
    /// # Ok(()) }
    /// ```
    pub async fn forget(&self) -> Result<(), Error> {
        change::forget(&self.core, &self.entry).await
    }
}
