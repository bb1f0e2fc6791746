//! The token that an application reads.

use std::{fmt, sync::Arc, time::SystemTime};

use tokenkeeper_protocol::LoginData;
use tokenkeeper_refresh::{Live, Record};

use crate::engine::Payload;

/// A token for an SDK or a websocket. `Debug` shows no secret.
///
/// ```
/// use tokenkeeper_engine::protocol::TokenSet;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tokenkeeper_engine::Error> {
/// # let accounts = tokenkeeper_test_support::World::amiqus().accounts;
/// # let account = accounts.account("amiqus", "user-42")?;
/// # account.adopt(TokenSet::new("access-1").with_scope("read")).await?;
/// let token = account.token().await?;
/// let header = format!("Bearer {}", token.expose());
/// assert_eq!(header, "Bearer access-1");
/// assert_eq!(token.scope(), Some("read"));
/// assert!(token.expires_at().is_none(), "the provider stated no expiry");
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Token {
    /// Always [live](Record::live).
    record: Arc<Record<Payload>>,
}

impl Token {
    /// Returns the token of a record; `None` if the account is not connected.
    pub(crate) fn of(record: Arc<Record<Payload>>) -> Option<Self> {
        record.live()?;
        Some(Self { record })
    }

    fn live(&self) -> &Live<Payload> {
        self.record.live().expect("`of` checked it")
    }

    /// Returns the access token, a secret.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.live().payload.access_token.expose()
    }

    /// Returns the expiry by the wall clock; `None` if the provider does not state it.
    #[must_use]
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.live().payload.expires_at()
    }

    /// Returns the granted scope, if the provider stated it.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        self.live().payload.scope()
    }

    /// Returns what the login and its refreshes brought next to the tokens, such as a tenant's id.
    #[must_use]
    pub fn login_data(&self) -> &LoginData {
        self.live().payload.login_data()
    }

    /// Returns the number of the token set within this login.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.live().generation
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("generation", &self.generation())
            .field("expires_at", &self.expires_at())
            .field("scope", &self.scope())
            .field("login_data", self.login_data())
            .finish_non_exhaustive()
    }
}
