use crate::instant::{EngineInstant, WallMillis};

/// The tokens, as far as the protocol cares.
pub trait Payload: Clone + PartialEq {
    /// A short digest of the refresh token; `None` if there is none.
    fn refresh_digest(&self) -> Option<u64>;

    /// Whether there is a refresh token: cheaper than its digest.
    fn has_refresh_token(&self) -> bool {
        self.refresh_digest().is_some()
    }

    /// When the tokens were issued, and when they expire.
    fn times(&self) -> Times;
}

/// The times of a token set, by the wall clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// When they were asked for.
    pub issued_at: WallMillis,
    /// When the access token expires, if that is known.
    pub expires_at: Option<WallMillis>,
    /// When the server itself wants a refresh, if it said so.
    pub refresh_at: Option<WallMillis>,
}

/// When something becomes due for a token set, on the engine's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Schedule {
    /// From then on it is refreshed in the background.
    pub(crate) stale_at: EngineInstant,
    /// From then on it is not served.
    pub(crate) expires_at: EngineInstant,
}
