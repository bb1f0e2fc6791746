//! What a refresh does to the tokens.

use std::time::Duration;

use super::PlainOptions;

/// The reaction to a refresh token that was redeemed before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Reuse {
    /// It is refused.
    #[default]
    Refuse,
    /// It is refused and the whole grant is revoked: reuse detection (RFC 9700 §4.14.2).
    RevokeFamily,
    /// Within this time after the first redemption it returns the same pair; later the whole grant
    /// is revoked.
    SamePair(Duration),
    /// Within this time after the first redemption it returns a new pair; later the whole grant is
    /// revoked.
    FreshPair(Duration),
}

/// What a refresh does.
#[derive(Debug, Clone, Default)]
pub(crate) struct RotationOptions {
    pub(crate) reuse: Reuse,
    pub(crate) refresh_token_stays: bool,
    pub(crate) omit_refresh_token: bool,
    pub(crate) access_token_dies: bool,
    pub(crate) not_before: Option<Duration>,
}

/// Refreshes.
impl PlainOptions {
    /// Sets the reaction to a redeemed refresh token. Default: a refusal.
    #[must_use]
    pub fn reuse(mut self, reuse: Reuse) -> Self {
        self.rotation.reuse = reuse;
        self
    }

    /// Switches rotation off: a refresh returns the same refresh token.
    #[must_use]
    pub fn refresh_token_stays(mut self) -> Self {
        self.rotation.refresh_token_stays = true;
        self
    }

    /// Switches rotation off: a refresh returns no refresh token.
    #[must_use]
    pub fn omit_refresh_token(mut self) -> Self {
        self.rotation.refresh_token_stays = true;
        self.rotation.omit_refresh_token = true;
        self
    }

    /// Makes a refresh invalidate the previous access token; by default it lives until it expires.
    #[must_use]
    pub fn access_token_dies_at_refresh(mut self) -> Self {
        self.rotation.access_token_dies = true;
        self
    }

    /// Refuses a refresh while the access token has more than this left (Exact Online: 30 s).
    ///
    /// The answer is Exact Online's: 400, `access_denied`, "access_token not expired". The refresh
    /// token stays valid.
    #[must_use]
    pub fn refresh_not_before(mut self, left: Duration) -> Self {
        self.rotation.not_before = Some(left);
        self
    }
}
