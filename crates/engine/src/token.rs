//! The token that an application reads.

use std::time::SystemTime;

use tokenkeeper_protocol::TokenSet;
use tokenkeeper_refresh::Record;

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
#[derive(Clone, Debug)]
pub struct Token {
    tokens: TokenSet,
    generation: u64,
}

impl Token {
    pub(crate) fn of(record: &Record<Payload>) -> Option<Self> {
        let live = record.live()?;
        Some(Self {
            tokens: live.payload.token_set(),
            generation: live.generation,
        })
    }

    /// Returns the access token, a secret.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.tokens.access_token.expose()
    }

    /// Returns the expiry by the wall clock; `None` if the provider does not state it.
    #[must_use]
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.tokens.expires_at
    }

    /// Returns the granted scope, if the provider stated it.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        self.tokens.scope.as_deref()
    }

    /// Returns another field of the token response, such as a tenant's id.
    #[must_use]
    pub fn extra(&self, name: &str) -> Option<&serde_json::Value> {
        self.tokens.extra.get(name)
    }

    /// Returns the number of the token set within this login.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }
}
