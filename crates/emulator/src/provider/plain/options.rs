//! Options for what RFC 6749 leaves open.

use std::time::Duration;

/// The place of a client's secret (RFC 6749 §2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ClientAuthentication {
    /// Either place, but not both.
    #[default]
    Any,
    /// `Authorization: Basic`, with form-encoded parts.
    Basic,
    /// The body.
    Body,
}

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

/// Options of [`Emulator::plain`](crate::Emulator::plain).
///
/// ```
/// use tokenkeeper_emulator::{Emulator, PlainOptions, Reuse};
///
/// let builder = Emulator::plain().options(PlainOptions::default().reuse(Reuse::RevokeFamily));
/// # drop(builder);
/// ```
#[derive(Debug, Clone, Default)]
pub struct PlainOptions {
    pub(super) client_authentication: ClientAuthentication,
    pub(super) reuse: Reuse,
    pub(super) refresh_token_stays: bool,
    pub(super) omit_refresh_token: bool,
    pub(super) access_token_dies_at_refresh: bool,
    pub(super) require_pkce: bool,
    pub(super) issuer: bool,
    pub(super) errors_in_200: bool,
    pub(super) omit_expires_in: bool,
}

impl PlainOptions {
    /// Sets where a secret is accepted. Default: either place.
    #[must_use]
    pub fn client_authentication(mut self, place: ClientAuthentication) -> Self {
        self.client_authentication = place;
        self
    }

    /// Sets the reaction to a redeemed refresh token. Default: a refusal.
    #[must_use]
    pub fn reuse(mut self, reuse: Reuse) -> Self {
        self.reuse = reuse;
        self
    }

    /// Switches rotation off: a refresh returns the same refresh token.
    #[must_use]
    pub fn refresh_token_stays(mut self) -> Self {
        self.refresh_token_stays = true;
        self
    }

    /// Switches rotation off: a refresh returns no refresh token.
    #[must_use]
    pub fn omit_refresh_token(mut self) -> Self {
        self.refresh_token_stays = true;
        self.omit_refresh_token = true;
        self
    }

    /// Makes a refresh invalidate the previous access token; by default it lives until it expires.
    #[must_use]
    pub fn access_token_dies_at_refresh(mut self) -> Self {
        self.access_token_dies_at_refresh = true;
        self
    }

    /// Refuses authorization requests without a PKCE challenge.
    #[must_use]
    pub fn require_pkce(mut self) -> Self {
        self.require_pkce = true;
        self
    }

    /// Adds `iss` (RFC 9207) to redirects: the emulator's base URL.
    #[must_use]
    pub fn issuer(mut self) -> Self {
        self.issuer = true;
        self
    }

    /// Sends errors of the token endpoint with the status 200, as GitHub does.
    #[must_use]
    pub fn errors_in_200(mut self) -> Self {
        self.errors_in_200 = true;
        self
    }

    /// Omits `expires_in` from token responses.
    #[must_use]
    pub fn omit_expires_in(mut self) -> Self {
        self.omit_expires_in = true;
        self
    }
}
