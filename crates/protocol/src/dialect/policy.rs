//! What happens to tokens at a refresh, and what the API's responses say about them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::check::{self, header_name, wrong};
use crate::error::Error;

/// What happens to tokens at a refresh, and how long a refresh token lives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct RefreshRules {
    /// Whether a response without a refresh token leaves the current one valid (RFC 6749 §6).
    /// Default: yes.
    pub keep_when_absent: bool,
    /// What happens to the old access token. Default: unknown.
    pub old_access_token: OldAccessToken,
    /// How long a refresh token lives. Default: unlimited.
    pub lifetime: RefreshLifetime,
    /// The share of that life after which an idle account is refreshed. Default: 0.5.
    pub keep_alive_share: f64,
    /// For how many seconds the provider accepts a redeemed refresh token again. Default: not at
    /// all.
    pub grace_seconds: Option<u64>,
    /// For how many seconds ahead of the access token's expiry the provider takes a refresh: it
    /// refuses an earlier one. Default: at any time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<u64>,
}

impl Default for RefreshRules {
    fn default() -> Self {
        Self {
            keep_when_absent: true,
            old_access_token: OldAccessToken::default(),
            lifetime: RefreshLifetime::default(),
            keep_alive_share: 0.5,
            grace_seconds: None,
            not_before: None,
        }
    }
}

impl RefreshRules {
    pub(super) fn check(&self) -> Result<(), Error> {
        let share = self.keep_alive_share;
        if !(0.01..=1.0).contains(&share) {
            return wrong("refresh.keep_alive_share", "must be from 0.01 to 1");
        }
        if let RefreshLifetime::Fixed(life) = self.lifetime {
            check::time("refresh.lifetime", Some(life))?;
        }
        let seconds = |given: Option<u64>| given.map(Duration::from_secs);
        check::time("refresh.grace_seconds", seconds(self.grace_seconds))?;
        check::time("refresh.not_before", seconds(self.not_before))
    }
}

/// What happens to the old access token at a refresh.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OldAccessToken {
    /// It is refused afterwards.
    Invalidated,
    /// It stays valid until its expiry.
    Valid,
    /// Not documented.
    #[default]
    Unknown,
}

/// How long a refresh token lives.
///
/// In text: `"as_access_token"`, `"unlimited"` or `{ fixed = 2592000 }` in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefreshLifetime {
    /// It expires with the access token of the same response.
    AsAccessToken,
    /// It expires this long after it was issued.
    #[serde(with = "seconds")]
    Fixed(Duration),
    /// No end is known.
    #[default]
    Unlimited,
}

/// How far a revocation reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevocationReach {
    /// It ends the token that it names.
    ThisToken,
    /// It ends all tokens of that login (RFC 7009 §2.1 lets a server do so).
    Authorization,
    /// It ends every login of that account at this client.
    Account,
    /// Not documented.
    #[default]
    Unknown,
}

/// What the API's responses say about the token that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ResourceRules {
    /// The statuses that reject the token. Default: 401 (RFC 6750 §3.1). 429 never counts.
    pub rejected: Vec<u16>,
    /// The names of rate-limit headers. Default: none.
    pub rate_limit: RateLimitHeaders,
}

impl Default for ResourceRules {
    fn default() -> Self {
        let rate_limit = RateLimitHeaders::default();
        Self {
            rejected: vec![401],
            rate_limit,
        }
    }
}

impl ResourceRules {
    pub(super) fn check(&self) -> Result<(), Error> {
        if self
            .rejected
            .iter()
            .any(|status| !(400..=599).contains(status) || *status == 429)
        {
            return wrong(
                "resource.rejected",
                "must hold statuses from 400 to 599, and never 429",
            );
        }
        let limits = &self.rate_limit;
        for name in [&limits.limit, &limits.remaining, &limits.reset]
            .into_iter()
            .flatten()
        {
            header_name("resource.rate_limit", name)?;
        }
        Ok(())
    }
}

/// The names of rate-limit headers. `Retry-After` (RFC 9110 §10.2.3) is always read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct RateLimitHeaders {
    /// Requests allowed in a window.
    pub limit: Option<String>,
    /// Requests left in this window.
    pub remaining: Option<String>,
    /// The end of the window, in seconds since 1970.
    pub reset: Option<String>,
}

mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(d: &Duration, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_u64(d.as_secs())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Duration, D::Error> {
        u64::deserialize(d).map(Duration::from_secs)
    }
}
