//! The meaning of token responses.

mod errors;

pub use errors::{ClassName, ErrorRule, ErrorRules};

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    AttachmentMethod,
    check::{self, repeats, wrong},
};
use crate::{error::Error, grant::GrantType, token_type};

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
    /// The path of the refresh token, a string. Default: `refresh_token`.
    ///
    /// `null`, `""`, `[]`, `{}`, a boolean and a number are no token: the response then has none.
    pub refresh_token_field: String,
    /// The path of the token type. Default: `token_type`.
    pub token_type_field: String,
    /// The path of the scope: a string, or a list of strings. Default: `scope`.
    pub scope_field: String,
    /// The separator of scopes in responses, one character; white space separates them anyway.
    /// Default: that of requests.
    pub scope_separator: Option<String>,
    /// The path of the expiry. Default: `expires_in`.
    pub expiry_field: String,
    /// The unit of the expiry. Default: seconds since the request was sent. A life of more than
    /// 40 years counts as unknown: it is a time since 1970.
    pub expiry: Expiry,
    /// The paths that may hold the expiry of the refresh token; the first readable one counts.
    /// Default: `refresh_token_expires_in`, `refresh_expires_in`, `x_refresh_token_expires_in`.
    pub refresh_expiry_fields: Vec<String>,
    /// The unit of that expiry. Default: seconds since the request was sent.
    pub refresh_expiry: Expiry,
    /// The token types that mean "bearer", next to `bearer` itself. Default: none. Only for a
    /// bearer attachment.
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
            scope_separator: None,
            expiry_field: owned("expires_in"),
            expiry: Expiry::default(),
            refresh_expiry_fields: vec![
                owned("refresh_token_expires_in"),
                owned("refresh_expires_in"),
                owned("x_refresh_token_expires_in"),
            ],
            refresh_expiry: Expiry::default(),
            token_types: Vec::new(),
            lifetime_when_absent: None,
        }
    }
}

impl ResponseRules {
    /// Returns the path of the object with the tokens; empty for the whole response.
    pub(crate) fn tokens_at(&self, grant_type: GrantType) -> &str {
        let own = match grant_type {
            GrantType::AuthorizationCode | GrantType::DeviceCode => None,
            GrantType::RefreshToken => self.refresh_tokens_at.as_deref(),
        };
        own.or(self.tokens_at.as_deref()).unwrap_or_default()
    }

    /// Returns whether a member of the response at this path is a token.
    pub(super) fn holds_token(&self, path: &str) -> bool {
        let last = path.rsplit('.').next().unwrap_or_default();
        let own = [&self.access_token_field, &self.refresh_token_field];
        let starts = [GrantType::AuthorizationCode, GrantType::RefreshToken];
        let below = |start: &str| match start {
            "" => Some(path),
            start => path.strip_prefix(start)?.strip_prefix('.'),
        };
        let mut below = starts
            .iter()
            .filter_map(|grant| below(self.tokens_at(*grant)));
        ["access_token", "refresh_token"].contains(&last)
            || below.any(|path| own.iter().any(|own| *own == path))
    }

    /// Returns the life of an access token whose response states none.
    #[must_use]
    pub fn default_lifetime(&self) -> Option<Duration> {
        self.lifetime_when_absent.map(Duration::from_secs)
    }

    pub(super) fn check(&self, attach: &AttachmentMethod) -> Result<(), Error> {
        if let Some(path) = &self.tokens_at {
            check::path("response.tokens_at", path)?;
        }
        if let Some(path) = self.refresh_tokens_at.as_deref().filter(|p| !p.is_empty()) {
            check::path("response.refresh_tokens_at", path)?;
        }
        self.check_fields()?;
        self.check_types(attach)?;
        check::time("response.lifetime_when_absent", self.default_lifetime())
    }

    /// Checks the paths of the members: each has one meaning.
    fn check_fields(&self) -> Result<(), Error> {
        let fields = [
            ("response.access_token_field", &self.access_token_field),
            ("response.refresh_token_field", &self.refresh_token_field),
            ("response.token_type_field", &self.token_type_field),
            ("response.scope_field", &self.scope_field),
            ("response.expiry_field", &self.expiry_field),
        ];
        for (at, (field, path)) in fields.iter().enumerate() {
            check::path(field, path)?;
            if let Some((other, _)) = fields[..at].iter().find(|(_, other)| other == path) {
                let problem = format!("names the same member as `{other}`");
                return wrong(*field, &problem);
            }
        }
        let field = "response.refresh_expiry_fields";
        for path in &self.refresh_expiry_fields {
            check::path(field, path)?;
            if fields.iter().any(|(_, other)| *other == path) {
                return wrong(field, "names a member with another meaning: remove it");
            }
        }
        if repeats(self.refresh_expiry_fields.iter()) {
            return wrong(field, "must not list a path twice");
        }
        if self.refresh_expiry_fields.is_empty() && self.refresh_expiry != Expiry::default() {
            return wrong(
                "response.refresh_expiry",
                "is the unit of no field: list one in `response.refresh_expiry_fields`",
            );
        }
        if let Some(separator) = &self.scope_separator
            && !is_scope_separator(separator)
        {
            return wrong(
                "response.scope_separator",
                "must be a space or one other character that is no letter or digit",
            );
        }
        Ok(())
    }

    fn check_types(&self, attach: &AttachmentMethod) -> Result<(), Error> {
        let (field, types) = ("response.token_types", &self.token_types);
        if types.iter().any(String::is_empty) {
            return wrong(field, "holds an empty name: remove it");
        }
        if types.iter().any(|name| token_type::is_unusable(name)) {
            return wrong(
                field,
                "names a type that is no bearer token: `dpop`, `mac` and `pop` require a proof of \
                 a key, and `n_a` is no access token",
            );
        }
        if !types.is_empty() && *attach != AttachmentMethod::Bearer {
            return wrong(
                field,
                "is only for `attach = \"bearer\"`: another attachment takes all types",
            );
        }
        Ok(())
    }
}

/// Returns whether this is one character that may separate scopes.
pub(super) fn is_scope_separator(text: &str) -> bool {
    matches!(text.as_bytes(), [b' '..=b'~'])
        && !text.starts_with(|c: char| c.is_ascii_alphanumeric())
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
