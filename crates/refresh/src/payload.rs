use std::time::Duration;

use crate::instant::{EngineInstant, WallMillis};

/// A token set, as far as the refresh protocol looks into it.
pub trait Payload: Clone + PartialEq {
    /// Returns a short digest of the refresh token, or `None` if there is none.
    fn refresh_digest(&self) -> Option<u64>;

    /// Returns whether there is a refresh token, more cheaply than its digest.
    fn has_refresh_token(&self) -> bool {
        self.refresh_digest().is_some()
    }

    /// Returns when the tokens were issued and when they expire.
    fn times(&self) -> Times;
}

/// The times of a token set, by the wall clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// When the tokens were requested.
    pub issued_at: WallMillis,
    /// When the access token expires, if known.
    pub expires_at: Option<WallMillis>,
    /// When the server asks for a refresh, if it does.
    pub refresh_at: Option<WallMillis>,
    /// When the refresh token expires, if the server says so.
    pub refresh_expires_at: Option<WallMillis>,
}

impl Times {
    /// Returns the lifetime of the access token, if known; zero if it was expired when issued.
    pub(crate) fn lifetime(&self) -> Option<Duration> {
        let expires_at = self.expires_at?;
        Some(Duration::from_millis(
            expires_at.saturating_sub(self.issued_at),
        ))
    }

    /// Returns the lifetime of the refresh token, if the server says so. An end that is not after
    /// the issue says nothing: to some servers, 0 seconds mean "for ever".
    pub(crate) fn refresh_lifetime(&self) -> Option<Duration> {
        let lifetime = self.refresh_expires_at?.checked_sub(self.issued_at)?;
        (lifetime > 0).then(|| Duration::from_millis(lifetime))
    }
}

/// When a token set becomes stale and when it expires, on the engine's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Schedule {
    /// From this moment it is refreshed in the background.
    pub(crate) stale_at: EngineInstant,
    /// From this moment it is not served.
    pub(crate) expires_at: EngineInstant,
}
