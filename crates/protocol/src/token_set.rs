//! Token sets: what a token endpoint issues, with absolute times.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{access_token::AccessToken, secret::RefreshToken, token_type};

/// The tokens of one token response, with absolute expiry, scope and all other fields.
///
/// Serialising it writes the tokens **in plain text**: that form is for a store, which should
/// encrypt it. Times are whole milliseconds since 1970. `Debug` shows times, names and the type.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use tokenkeeper_protocol::TokenSet;
///
/// let tokens = TokenSet::new("at-1")
///     .with_refresh_token("rt-1")
///     .with_expires_at(SystemTime::now() + Duration::from_secs(3600));
/// assert_eq!(tokens.access_token.expose(), "at-1");
/// assert!(!format!("{tokens:?}").contains("at-1"));
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenSet {
    /// The access token, sent with each request to the API.
    #[serde(with = "plain_access")]
    pub access_token: AccessToken,
    /// The refresh token. `None`: the response had none, or it was `null` or empty.
    #[serde(
        with = "plain_refresh",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub refresh_token: Option<RefreshToken>,
    /// The token type as the server spells it ("Bearer", "bearer"), if it names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_type: Option<String>,
    /// The time at which the request was sent. The expiry counts from here, so that a slow
    /// response never makes a token look younger.
    #[serde(with = "milliseconds")]
    pub issued_at: SystemTime,
    /// The expiry of the access token. `None`: unknown.
    #[serde(
        with = "optional_milliseconds",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub expires_at: Option<SystemTime>,
    /// The time at which the server wants the token refreshed (`refresh_in`), if it says so.
    #[serde(
        with = "optional_milliseconds",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub refresh_at: Option<SystemTime>,
    /// The expiry of the refresh token (`refresh_token_expires_in` and its kin). `None`: unknown.
    #[serde(
        with = "optional_milliseconds",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub refresh_expires_at: Option<SystemTime>,
    /// The granted scope, if the response names it (RFC 6749 §5.1: absent means as requested).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Every other field of the response. An unreadable expiry stays here under its name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

impl TokenSet {
    /// Makes a token set that is issued now, with unknown expiry.
    #[must_use]
    pub fn new(access_token: impl Into<String>) -> Self {
        Self {
            access_token: AccessToken::new(access_token),
            refresh_token: None,
            token_type: None,
            issued_at: SystemTime::now(),
            expires_at: None,
            refresh_at: None,
            refresh_expires_at: None,
            scope: None,
            extra: Map::new(),
        }
    }

    /// Sets the refresh token; an empty one counts as none.
    #[must_use]
    pub fn with_refresh_token(mut self, refresh_token: impl Into<String>) -> Self {
        let refresh_token = refresh_token.into();
        self.refresh_token = (!refresh_token.is_empty()).then(|| RefreshToken::new(refresh_token));
        self
    }

    /// Sets the time at which the request for the token was sent.
    #[must_use]
    pub fn with_issued_at(mut self, issued_at: SystemTime) -> Self {
        self.issued_at = issued_at;
        self
    }

    /// Sets the expiry of the access token.
    #[must_use]
    pub fn with_expires_at(mut self, expires_at: SystemTime) -> Self {
        self.expires_at = Some(expires_at);
        self
    }

    /// Sets the expiry of the refresh token.
    #[must_use]
    pub fn with_refresh_expires_at(mut self, refresh_expires_at: SystemTime) -> Self {
        self.refresh_expires_at = Some(refresh_expires_at);
        self
    }

    /// Sets the granted scope.
    #[must_use]
    pub fn with_scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }
}

const NOT_SHOWN: &str = "[not shown]";

impl fmt::Debug for TokenSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token_type = self.token_type.as_deref();
        let token_type = token_type.map(|given| token_type::shown(given).unwrap_or(NOT_SHOWN));
        // A server may echo a secret anywhere.
        let scope = self.scope.as_ref().map(|_| NOT_SHOWN);
        f.debug_struct("TokenSet")
            .field("access_token", &self.access_token)
            .field("refresh_token", &self.refresh_token)
            .field("token_type", &token_type)
            .field("issued_at", &self.issued_at)
            .field("expires_at", &self.expires_at)
            .field("refresh_at", &self.refresh_at)
            .field("refresh_expires_at", &self.refresh_expires_at)
            .field("scope", &scope)
            .field("extra", &self.extra.keys().collect::<Vec<_>>())
            .finish()
    }
}

mod plain_access {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::access_token::AccessToken;

    pub(super) fn serialize<S: Serializer>(t: &AccessToken, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(t.expose())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<AccessToken, D::Error> {
        String::deserialize(d).map(AccessToken::new)
    }
}

mod plain_refresh {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::secret::RefreshToken;

    pub(super) fn serialize<S: Serializer>(
        t: &Option<RefreshToken>,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        t.as_ref().map(RefreshToken::expose).serialize(s)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<Option<RefreshToken>, D::Error> {
        Ok(Option::<String>::deserialize(d)?.map(RefreshToken::new))
    }
}

mod milliseconds {
    use std::time::SystemTime;

    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(t: &SystemTime, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_u64(super::to_millis(*t))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<SystemTime, D::Error> {
        super::from_millis(u64::deserialize(d)?).map_err(D::Error::custom)
    }
}

mod optional_milliseconds {
    use std::time::SystemTime;

    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(
        t: &Option<SystemTime>,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        t.map(super::to_millis).serialize(s)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<Option<SystemTime>, D::Error> {
        let millis = Option::<u64>::deserialize(d)?;
        let time = millis.map(super::from_millis).transpose();
        time.map_err(D::Error::custom)
    }
}

/// Converts to milliseconds since 1970. Only a broken clock has an earlier time, which becomes 0.
fn to_millis(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| u64::try_from(since.as_millis()).ok())
        .unwrap_or(0)
}

fn from_millis(millis: u64) -> Result<SystemTime, &'static str> {
    UNIX_EPOCH
        .checked_add(Duration::from_millis(millis))
        .ok_or("a time out of range")
}
