//! The tokens of an account in a compact form.

use std::{
    mem,
    num::NonZeroU64,
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak},
    time::SystemTime,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokenkeeper_protocol::{AccessToken, ApiOrigin, LoginData, RefreshToken, TokenSet};
use tokenkeeper_refresh::{Record, Times, WallMillis};

use crate::clock::{system_time, wall_millis};

/// A token set, and the terms and the login data of its authorization. Accounts share the parts
/// that are mostly equal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredPayload", into = "StoredPayload")]
pub(crate) struct Payload {
    pub(crate) access_token: AccessToken,
    pub(crate) refresh_token: Option<RefreshToken>,
    issued_at: WallMillis,
    expires_at: Option<NonZeroU64>,
    common: Arc<Common>,
}

/// The parts of a payload that are mostly equal for all accounts of a site.
// NOTE: `Eq` lets an `Arc` of it compare equal to itself at once.
#[derive(Debug, PartialEq, Eq)]
struct Common {
    token_type: Option<String>,
    /// The time from issue to the refresh that the server asks for, in milliseconds.
    refresh_in: Option<u64>,
    /// The time from issue to the end of the refresh token, in milliseconds.
    refresh_expires_in: Option<u64>,
    scope: Option<String>,
    /// Usually empty. An account that has some shares no common part.
    login_data: LoginData,
    login_origins: LoginOrigins,
    terms: Terms,
}

/// The API origins that only the login data names. They follow from it once the site is known, so
/// they make no difference between payloads.
#[derive(Debug, Default)]
struct LoginOrigins(OnceLock<Box<[ApiOrigin]>>);

impl PartialEq for LoginOrigins {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for LoginOrigins {}

/// The redirect URI and scope of an authorization. Its refreshes use these, not the current
/// configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Terms {
    pub(crate) redirect_uri: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) scope: Option<String>,
}

/// The stored form of a payload. The members of the login data stay in the token set, where
/// versions without login data keep and read them.
#[derive(Serialize, Deserialize)]
struct StoredPayload {
    tokens: TokenSet,
    terms: Terms,
    /// The redirect's part of the login data.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    redirect: Vec<(String, String)>,
    /// The names of what the login data has no room for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    dropped: Vec<String>,
}

/// The last common part, offered to the next account of the site.
#[derive(Debug, Default)]
pub(crate) struct Shared(Mutex<Weak<Common>>);

impl Payload {
    /// Takes the first tokens of an authorization, and the further parameters of its redirect.
    pub(crate) fn first(
        mut tokens: TokenSet,
        redirect: Vec<(String, String)>,
        terms: Terms,
    ) -> Self {
        let login_data = LoginData::new(mem::take(&mut tokens.extra), redirect);
        Self::new(tokens, login_data, terms)
    }

    /// Takes tokens that the application has, as the first of an authorization with this data.
    pub(crate) fn adopted(mut tokens: TokenSet, mut login_data: LoginData, terms: Terms) -> Self {
        login_data.merge(mem::take(&mut tokens.extra));
        Self::new(tokens, login_data, terms)
    }

    /// Takes the tokens of a refresh. `keeps`: what the answer does not repeat stays (RFC 6749 §6).
    /// The login data stays in any case.
    pub(crate) fn refreshed(self, mut tokens: TokenSet, keeps: bool) -> Self {
        let mut login_data = self.login_data().clone();
        login_data.merge(mem::take(&mut tokens.extra));
        if keeps {
            tokens.scope = tokens.scope.or_else(|| self.common.scope.clone());
            let end = self.refresh_expires_at();
            tokens.refresh_token = tokens.refresh_token.or_else(|| self.refresh_token.clone());
            if tokens.refresh_token == self.refresh_token {
                tokens.refresh_expires_at = tokens.refresh_expires_at.or(end);
            }
        }
        Self::new(tokens, login_data, self.common.terms.clone())
    }

    /// `tokens` has no further members: they are in the login data.
    fn new(tokens: TokenSet, login_data: LoginData, terms: Terms) -> Self {
        let issued_at = wall_millis(tokens.issued_at);
        let since_issue = |at: SystemTime| wall_millis(at).saturating_sub(issued_at);
        let refresh_in = tokens.refresh_at.map(since_issue);
        let refresh_expires_in = tokens.refresh_expires_at.map(since_issue);
        Self {
            issued_at,
            // An expiry at the Unix epoch counts as one a millisecond later.
            expires_at: tokens
                .expires_at
                .map(|at| NonZeroU64::new(wall_millis(at)).unwrap_or(NonZeroU64::MIN)),
            access_token: tokens.access_token,
            refresh_token: tokens.refresh_token,
            common: Arc::new(Common {
                token_type: tokens.token_type,
                refresh_in,
                refresh_expires_in,
                scope: tokens.scope,
                login_data,
                login_origins: LoginOrigins::default(),
                terms,
            }),
        }
    }

    /// Replaces the common part by an equal one of another account, if there is one.
    pub(crate) fn shared(mut self, shared: &Shared) -> Self {
        if !self.login_data().is_empty() {
            return self;
        }
        let mut last = shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        match last.upgrade().filter(|common| **common == *self.common) {
            Some(common) => self.common = common,
            None => *last = Arc::downgrade(&self.common),
        }
        self
    }

    #[cfg(test)]
    pub(super) fn shares_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.common, &other.common)
    }

    pub(crate) fn terms(&self) -> &Terms {
        &self.common.terms
    }

    pub(crate) fn login_data(&self) -> &LoginData {
        &self.common.login_data
    }

    pub(crate) fn token_type(&self) -> Option<&str> {
        self.common.token_type.as_deref()
    }

    /// Returns the API origins that only the login data names, once they are known.
    pub(super) fn login_origins(&self) -> &[ApiOrigin] {
        self.common.login_origins.0.get().map_or(&[], |known| known)
    }

    /// Finds these origins. For an account without login data, which may share its common part,
    /// there are none.
    pub(super) fn find_login_origins(&self, find: impl FnOnce(&LoginData) -> Box<[ApiOrigin]>) {
        if !self.login_data().is_empty() {
            let known = &self.common.login_origins.0;
            known.get_or_init(|| find(self.login_data()));
        }
    }

    pub(crate) fn scope(&self) -> Option<&str> {
        self.common.scope.as_deref()
    }

    pub(crate) fn issued_at(&self) -> SystemTime {
        system_time(self.issued_at)
    }

    /// Returns whether the access token has expired at this time; not if its end is unknown.
    pub(crate) fn expires_by(&self, wall: WallMillis) -> bool {
        self.expires_at.is_some_and(|end| end.get() <= wall)
    }

    pub(crate) fn expires_at(&self) -> Option<SystemTime> {
        self.expires_at.map(|millis| system_time(millis.get()))
    }

    pub(crate) fn refresh_at(&self) -> Option<SystemTime> {
        let refresh_in = self.common.refresh_in?;
        Some(system_time(self.issued_at.saturating_add(refresh_in)))
    }

    pub(crate) fn refresh_expires_at(&self) -> Option<SystemTime> {
        let refresh_expires_in = self.common.refresh_expires_in?;
        Some(system_time(
            self.issued_at.saturating_add(refresh_expires_in),
        ))
    }

    pub(crate) fn token_set(&self) -> TokenSet {
        let common = &*self.common;
        TokenSet {
            access_token: self.access_token.clone(),
            refresh_token: self.refresh_token.clone(),
            token_type: common.token_type.clone(),
            issued_at: self.issued_at(),
            expires_at: self.expires_at(),
            refresh_at: self.refresh_at(),
            refresh_expires_at: self.refresh_expires_at(),
            scope: common.scope.clone(),
            extra: common.login_data.answer().clone(),
        }
    }
}

/// A process may hold a million payloads.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Record<Payload>>() <= 112);

impl tokenkeeper_refresh::Payload for Payload {
    fn refresh_digest(&self) -> Option<u64> {
        let token = self.refresh_token.as_ref()?;
        let hash = Sha256::digest(token.expose().as_bytes());
        let mut short = [0; 8];
        short.copy_from_slice(&hash[..8]);
        Some(u64::from_be_bytes(short))
    }

    fn has_refresh_token(&self) -> bool {
        self.refresh_token.is_some()
    }

    fn times(&self) -> Times {
        Times {
            issued_at: self.issued_at,
            expires_at: self.expires_at.map(NonZeroU64::get),
            refresh_at: self.refresh_at().map(wall_millis),
            refresh_expires_at: self.refresh_expires_at().map(wall_millis),
        }
    }
}

impl From<StoredPayload> for Payload {
    fn from(stored: StoredPayload) -> Self {
        let mut tokens = stored.tokens;
        let answer = mem::take(&mut tokens.extra);
        let login_data = LoginData::restore(answer, stored.redirect, stored.dropped);
        Self::new(tokens, login_data, stored.terms)
    }
}

impl From<Payload> for StoredPayload {
    fn from(payload: Payload) -> Self {
        let login_data = payload.login_data();
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Self {
            tokens: payload.token_set(),
            terms: payload.terms().clone(),
            redirect: login_data.parameters().map(owned).collect(),
            dropped: login_data.dropped().to_vec(),
        }
    }
}
