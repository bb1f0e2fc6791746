//! The meaning of token responses.

mod errors;

pub use errors::{ClassName, ErrorRule, ErrorRules};

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::check::wrong;
use crate::{error::Error, grant::GrantType};

/// The response to a token request.
///
/// A path names a member, or members of members with dots between their names:
/// `authed_user.access_token`. A number selects an element of an array: `errors.0.code`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ResponseRules {
    /// The accepted syntax of JSON. A form is always read if the content type says so, or if the
    /// body can only be one.
    pub json: Json,
    /// The path of the object with the tokens; the paths below start there. Default: the whole
    /// response.
    pub tokens_at: Option<String>,
    /// The path of that object in the response to a refresh, if it is another one; `""` is the
    /// whole response. Default: `tokens_at`.
    pub refresh_tokens_at: Option<String>,
    /// The path of the access token. Default: `access_token`.
    pub access_token_field: String,
    /// The path of the refresh token. Default: `refresh_token`.
    pub refresh_token_field: String,
    /// The path of the token type. Default: `token_type`.
    pub token_type_field: String,
    /// The path of the scope: a string, or a list of strings. Default: `scope`.
    pub scope_field: String,
    /// The path of the expiry. Default: `expires_in`.
    pub expiry_field: String,
    /// The unit of the expiry. Default: seconds since the request was sent.
    pub expiry: Expiry,
    /// The paths that may hold the expiry of the refresh token, in seconds since the request was
    /// sent; the first readable one counts. Default: `refresh_token_expires_in`,
    /// `refresh_expires_in`, `x_refresh_token_expires_in`.
    pub refresh_expiry_fields: Vec<String>,
    /// The token types that mean "bearer", next to `bearer` itself. Default: none.
    pub token_types: Vec<String>,
    /// The life of an access token in seconds, if the response states none. Default: unknown.
    pub lifetime_when_absent: Option<u64>,
}

impl Default for ResponseRules {
    fn default() -> Self {
        let owned = str::to_owned;
        Self {
            json: Json::default(),
            tokens_at: None,
            refresh_tokens_at: None,
            access_token_field: owned("access_token"),
            refresh_token_field: owned("refresh_token"),
            token_type_field: owned("token_type"),
            scope_field: owned("scope"),
            expiry_field: owned("expires_in"),
            expiry: Expiry::default(),
            refresh_expiry_fields: vec![
                owned("refresh_token_expires_in"),
                owned("refresh_expires_in"),
                owned("x_refresh_token_expires_in"),
            ],
            token_types: Vec::new(),
            lifetime_when_absent: None,
        }
    }
}

impl ResponseRules {
    /// Returns the path of the object with the tokens; empty for the whole response.
    pub(crate) fn tokens_at(&self, grant_type: GrantType) -> &str {
        let own = match grant_type {
            GrantType::AuthorizationCode => None,
            GrantType::RefreshToken => self.refresh_tokens_at.as_deref(),
        };
        own.or(self.tokens_at.as_deref()).unwrap_or_default()
    }

    /// Returns the life of an access token whose response states none.
    #[must_use]
    pub fn default_lifetime(&self) -> Option<Duration> {
        self.lifetime_when_absent.map(Duration::from_secs)
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        if let Some(path) = &self.tokens_at {
            check_path("response.tokens_at", path)?;
        }
        if let Some(path) = self.refresh_tokens_at.as_deref().filter(|p| !p.is_empty()) {
            check_path("response.refresh_tokens_at", path)?;
        }
        for (field, path) in [
            ("response.access_token_field", &self.access_token_field),
            ("response.refresh_token_field", &self.refresh_token_field),
            ("response.token_type_field", &self.token_type_field),
            ("response.scope_field", &self.scope_field),
            ("response.expiry_field", &self.expiry_field),
        ] {
            check_path(field, path)?;
        }
        for path in &self.refresh_expiry_fields {
            check_path("response.refresh_expiry_fields", path)?;
        }
        if self.token_types.iter().any(String::is_empty) {
            return wrong("response.token_types", "holds an empty name: remove it");
        }
        if self
            .lifetime_when_absent
            .is_some_and(|s| !(1..=MAX_LIFETIME).contains(&s))
        {
            return wrong(
                "response.lifetime_when_absent",
                "must be from 1 second to 10 years: remove it for an unknown life",
            );
        }
        Ok(())
    }
}

/// Ten years, in seconds.
const MAX_LIFETIME: u64 = 10 * 366 * 24 * 60 * 60;

/// Checks that each part of a path names a member.
fn check_path(field: &str, path: &str) -> Result<(), Error> {
    if path.split('.').any(str::is_empty) {
        return wrong(
            field,
            "must name a member, or members of members with single dots between them",
        );
    }
    Ok(())
}

/// The accepted syntax of JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Json {
    /// JSON (RFC 8259).
    #[default]
    Strict,
    /// JSON, otherwise one flat object whose keys may have no quotes.
    Loose,
}

/// The unit of the expiry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expiry {
    /// Seconds since the request was sent (RFC 6749 §5.1).
    #[default]
    Seconds,
    /// Milliseconds since the request was sent.
    Milliseconds,
    /// Seconds since 1970 by the server's clock; the response's `Date` corrects for ours.
    EpochSeconds,
    /// Milliseconds since 1970, likewise.
    EpochMilliseconds,
}
