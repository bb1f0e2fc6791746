//! The policies of a dialect, which the engine reads.

use std::time::Duration;

use super::{
    Dialect, OldAccessToken, Pkce, RefreshLifetime, ResponseMode, RevocationReach, StateEcho,
    Template,
};

impl Dialect {
    /// Returns whether a constant header of the API's requests holds a value of the registration,
    /// which may be a key.
    #[must_use]
    pub fn has_secret_api_headers(&self) -> bool {
        let mut names = self.api_headers.values().flat_map(Template::names);
        names.any(|name| name != "client_id")
    }

    /// Returns the separator of scopes in responses.
    pub(crate) fn response_scope_separator(&self) -> &str {
        let own = self.response.scope_separator.as_deref();
        own.unwrap_or(&self.authorization.scope_separator)
    }

    /// Returns what happens to the old access token at a refresh.
    #[must_use]
    pub fn old_access_token(&self) -> OldAccessToken {
        self.refresh.old_access_token
    }

    /// Returns how far a revocation reaches beyond the token that it names.
    #[must_use]
    pub fn revocation_reaches(&self) -> RevocationReach {
        self.revocation
            .as_ref()
            .map_or(RevocationReach::Unknown, |r| r.reaches)
    }

    /// Returns whether a response without a refresh token leaves the current one valid.
    #[must_use]
    pub fn keeps_refresh_token_when_absent(&self) -> bool {
        self.refresh.keep_when_absent
    }

    /// Returns how long a refresh token lives.
    #[must_use]
    pub fn refresh_token_lifetime(&self) -> RefreshLifetime {
        self.refresh.lifetime
    }

    /// Returns the share of a refresh token's life after which an idle account is refreshed: from
    /// 0.01 to 1.
    #[must_use]
    pub fn keep_alive_share(&self) -> f64 {
        self.refresh.keep_alive_share
    }

    /// Returns how long the provider accepts a redeemed refresh token again, if it does.
    #[must_use]
    pub fn grace(&self) -> Option<Duration> {
        self.refresh.grace_seconds.map(Duration::from_secs)
    }

    /// Returns how long before the access token's expiry the provider begins to take a refresh.
    /// `None`: it takes one at any time.
    #[must_use]
    pub fn not_before(&self) -> Option<Duration> {
        self.refresh.not_before.map(Duration::from_secs)
    }

    /// Returns whether flows use PKCE.
    #[must_use]
    pub fn pkce(&self) -> Pkce {
        self.authorization.pkce
    }

    /// Returns the scope to request unless the registration names one.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        self.authorization.scope.as_deref()
    }

    /// Returns the part of the redirect that has the authorization response.
    #[must_use]
    pub fn response_mode(&self) -> ResponseMode {
        self.authorization.response_mode
    }

    /// Returns whether the redirect returns the state.
    #[must_use]
    pub fn state_echo(&self) -> StateEcho {
        self.authorization.state_echo
    }
}
