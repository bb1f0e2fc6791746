//! What RFC 6749 leaves open.

use std::time::Duration;

/// Where a client with a secret sends it (RFC 6749 §2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ClientAuthentication {
    /// In either place, but not in both.
    #[default]
    Any,
    /// `Authorization: Basic`, its parts encoded as a form's.
    Basic,
    /// In the body.
    Body,
}

/// What happens when a refresh token comes again that was redeemed already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Reuse {
    /// It is refused.
    #[default]
    Refuse,
    /// It is refused, and the whole grant ends: reuse detection (RFC 9700 §4.14.2).
    RevokeFamily,
    /// Within this time of the first redemption it brings the same pair once more; later the whole grant ends.
    SamePair(Duration),
    /// Within this time of the first redemption it brings a pair of its own; later the whole grant ends.
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
    /// Where a secret is taken; in either place without this.
    #[must_use]
    pub fn client_authentication(mut self, place: ClientAuthentication) -> Self {
        self.client_authentication = place;
        self
    }

    /// What a redeemed refresh token brings; a refusal without this.
    #[must_use]
    pub fn reuse(mut self, reuse: Reuse) -> Self {
        self.reuse = reuse;
        self
    }

    /// No rotation: a refresh answers with the same refresh token.
    #[must_use]
    pub fn refresh_token_stays(mut self) -> Self {
        self.refresh_token_stays = true;
        self
    }

    /// No rotation, and a refresh answers without any refresh token.
    #[must_use]
    pub fn omit_refresh_token(mut self) -> Self {
        self.refresh_token_stays = true;
        self.omit_refresh_token = true;
        self
    }

    /// A refresh ends the access token before it; without this it lives until it expires.
    #[must_use]
    pub fn access_token_dies_at_refresh(mut self) -> Self {
        self.access_token_dies_at_refresh = true;
        self
    }

    /// An authorization request without a PKCE challenge is refused.
    #[must_use]
    pub fn require_pkce(mut self) -> Self {
        self.require_pkce = true;
        self
    }

    /// Redirects carry `iss` (RFC 9207), which is the emulator's base URL.
    #[must_use]
    pub fn issuer(mut self) -> Self {
        self.issuer = true;
        self
    }

    /// The token endpoint's errors come with the status 200, as GitHub's do.
    #[must_use]
    pub fn errors_in_200(mut self) -> Self {
        self.errors_in_200 = true;
        self
    }

    /// Token answers have no `expires_in`.
    #[must_use]
    pub fn omit_expires_in(mut self) -> Self {
        self.omit_expires_in = true;
        self
    }
}
