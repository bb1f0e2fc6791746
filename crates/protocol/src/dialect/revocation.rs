//! Requests to the revocation and introspection endpoints.

use serde::{Deserialize, Serialize};

use super::{
    check::{repeats, wrong},
    endpoint::{Endpoint, Method},
    parameter::TokenPlace,
    policy::RevocationReach,
};
use crate::{classification::ErrorResponse, error::Error};

/// How a token is revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RevocationRules {
    /// The revocation endpoint.
    pub endpoint: Endpoint,
    /// The method.
    #[serde(default)]
    pub method: Method,
    /// The place of the token.
    #[serde(default)]
    pub token: TokenPlace,
    /// The tokens to revoke, in order, one request each. Default: the refresh token, then the
    /// access token.
    #[serde(default = "RevokedToken::both")]
    pub tokens: Vec<RevokedToken>,
    /// How far one revocation reaches.
    #[serde(default)]
    pub reaches: RevocationReach,
    /// The refusals that mean that the token is invalid, in addition to a 2xx. Default: none.
    #[serde(default)]
    pub done_when: Vec<RevokedResponse>,
}

impl RevocationRules {
    /// Makes the rules of RFC 7009: POST with a form.
    #[must_use]
    pub fn new(endpoint: Endpoint) -> Self {
        let (method, token) = (Method::default(), TokenPlace::default());
        let (tokens, reaches) = (RevokedToken::both(), RevocationReach::default());
        Self {
            endpoint,
            method,
            token,
            tokens,
            reaches,
            done_when: Vec::new(),
        }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        self.token.check("revocation", self.method)?;
        if self.tokens.is_empty() {
            return wrong("revocation.tokens", "is empty: remove `revocation` instead");
        }
        if repeats(self.tokens.iter()) {
            return wrong("revocation.tokens", "must not list a token twice");
        }
        let mut responses = self.done_when.iter().enumerate();
        responses.try_for_each(|(at, one)| one.check(&format!("revocation.done_when[{at}]")))
    }
}

/// A refusal of a revocation that means that the token is invalid.
///
/// It matches if everything that it names matches. In text: `{ status = 404 }`, `{ error =
/// "invalid_token" }`, or `{ status = 400, text = "invalid token" }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RevokedResponse {
    /// The status, from 200 to 499 without 408 and 429, which never decide. `None`: any.
    #[serde(default)]
    pub status: Option<u16>,
    /// The error code. `None`: any.
    #[serde(default)]
    pub error: Option<String>,
    /// A part of one of the texts that [`ErrorRules::text`](crate::ErrorRules::text) lists,
    /// without regard to case. `None`: any text.
    #[serde(default)]
    pub text: Option<String>,
}

impl RevokedResponse {
    /// Matches this error code, at any status that decides.
    #[must_use]
    pub fn new(error: &str) -> Self {
        let error = Some(error.to_owned());
        Self {
            status: None,
            error,
            text: None,
        }
    }

    fn check(&self, field: &str) -> Result<(), Error> {
        if self.status.is_none() && self.error.is_none() && self.text.is_none() {
            return wrong(
                field,
                "has a response without status, error and text: name one of them",
            );
        }
        if self
            .status
            .is_some_and(|status| !(200..=499).contains(&status) || matches!(status, 408 | 429))
        {
            return wrong(
                field,
                "must hold statuses from 200 to 499, and never 408 or 429",
            );
        }
        Ok(())
    }

    pub(crate) fn fits(&self, answer: &ErrorResponse<'_>) -> bool {
        let code = answer.code.as_deref();
        self.status
            .is_none_or(|wanted| wanted == answer.status.as_u16())
            && self
                .error
                .as_deref()
                .is_none_or(|wanted| code == Some(wanted))
            && self.text.as_ref().is_none_or(|text| answer.says(text))
    }
}

/// A token to revoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevokedToken {
    /// The access token.
    AccessToken,
    /// The refresh token, if there is one.
    RefreshToken,
}

impl RevokedToken {
    fn both() -> Vec<Self> {
        vec![Self::RefreshToken, Self::AccessToken]
    }
}

/// How a token is introspected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct IntrospectionRules {
    /// The introspection endpoint.
    pub endpoint: Endpoint,
    /// The method.
    #[serde(default)]
    pub method: Method,
    /// The place of the token.
    #[serde(default)]
    pub token: TokenPlace,
}

impl IntrospectionRules {
    /// Makes the rules of RFC 7662: POST with a form.
    #[must_use]
    pub fn new(endpoint: Endpoint) -> Self {
        let (method, token) = (Method::default(), TokenPlace::default());
        Self {
            endpoint,
            method,
            token,
        }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        self.token.check("introspection", self.method)
    }
}
