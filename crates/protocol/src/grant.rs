//! What is exchanged for tokens.

use serde::{Deserialize, Serialize};

use crate::secret::{AuthorizationCode, CodeVerifier, RefreshToken};

/// What is exchanged for tokens.
#[derive(Clone, Copy, Debug)]
pub enum Grant<'a> {
    /// A code that a redirect brought (RFC 6749 §4.1.3).
    AuthorizationCode {
        /// The code.
        code: &'a AuthorizationCode,
        /// The redirect URI exactly as it was authorized.
        redirect_uri: &'a str,
        /// The scope as it was asked for; `None`: the registration's or the dialect's.
        scope: Option<&'a str>,
        /// The PKCE verifier, if the authorization URL had its challenge.
        code_verifier: Option<&'a CodeVerifier>,
    },
    /// A refresh token (RFC 6749 §6).
    RefreshToken {
        /// The refresh token.
        refresh_token: &'a RefreshToken,
        /// The redirect URI of this authorization.
        redirect_uri: &'a str,
        /// The scope of this authorization; `None`: the registration's or the dialect's.
        scope: Option<&'a str>,
    },
}

impl Grant<'_> {
    /// Which of the two it is.
    #[must_use]
    pub fn grant_type(&self) -> GrantType {
        match self {
            Self::AuthorizationCode { .. } => GrantType::AuthorizationCode,
            Self::RefreshToken { .. } => GrantType::RefreshToken,
        }
    }
}

/// Which grant a token request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// A code exchange.
    AuthorizationCode,
    /// A refresh.
    RefreshToken,
}
