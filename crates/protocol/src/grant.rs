//! Authorization grants (RFC 6749 §1.3).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    redirect_uri::without_query,
    secret::{AuthorizationCode, CodeVerifier, DeviceCode, RefreshToken},
};

/// A grant that a token request exchanges for tokens.
///
/// `Debug` shows the redirect URI without its query, which may hold the state.
#[derive(Clone, Copy)]
pub enum Grant<'a> {
    /// An authorization code (RFC 6749 §4.1.3).
    AuthorizationCode {
        /// The code.
        code: &'a AuthorizationCode,
        /// The redirect URI exactly as the authorization request sent it.
        redirect_uri: &'a str,
        /// The scope as it was requested; `None`: the registration's or the dialect's.
        scope: Option<&'a str>,
        /// The PKCE code verifier, if the authorization request had a code challenge.
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
    /// A device code (RFC 8628 §3.4).
    DeviceCode {
        /// The device code.
        device_code: &'a DeviceCode,
    },
}

impl Grant<'_> {
    /// Returns the type of this grant.
    #[must_use]
    pub fn grant_type(&self) -> GrantType {
        match self {
            Self::AuthorizationCode { .. } => GrantType::AuthorizationCode,
            Self::RefreshToken { .. } => GrantType::RefreshToken,
            Self::DeviceCode { .. } => GrantType::DeviceCode,
        }
    }
}

impl fmt::Debug for Grant<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AuthorizationCode {
                code,
                redirect_uri,
                scope,
                code_verifier,
            } => f
                .debug_struct("AuthorizationCode")
                .field("code", code)
                .field("redirect_uri", &without_query(redirect_uri))
                .field("scope", scope)
                .field("code_verifier", code_verifier)
                .finish(),
            Self::RefreshToken {
                refresh_token,
                redirect_uri,
                scope,
            } => f
                .debug_struct("RefreshToken")
                .field("refresh_token", refresh_token)
                .field("redirect_uri", &without_query(redirect_uri))
                .field("scope", scope)
                .finish(),
            Self::DeviceCode { device_code } => f
                .debug_struct("DeviceCode")
                .field("device_code", device_code)
                .finish(),
        }
    }
}

/// The `grant_type` of a token request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// A code exchange.
    AuthorizationCode,
    /// A refresh.
    RefreshToken,
    /// A poll for the tokens of a device authorization (RFC 8628 §3.4).
    DeviceCode,
}

impl GrantType {
    /// Returns the value of the parameter `grant_type`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
        }
    }
}
