//! The tokens of an account, in little room.

use std::{
    num::NonZeroU64,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use tokenkeeper_protocol::{AccessToken, RefreshToken, TokenSet};
use tokenkeeper_refresh::{Record, Times, WallMillis};

use crate::clock::wall_millis;

/// A token set and the terms on which it was granted. What accounts mostly have in common is
/// shared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Granted", into = "Granted")]
pub(crate) struct Payload {
    pub(crate) access_token: AccessToken,
    pub(crate) refresh_token: Option<RefreshToken>,
    issued_at: WallMillis,
    expires_at: Option<NonZeroU64>,
    common: Arc<Common>,
}

/// What one account's tokens mostly have in common with another's.
#[derive(Debug, PartialEq)]
struct Common {
    token_type: Option<String>,
    /// When the server wants a refresh, in milliseconds after the issue.
    refresh_in: Option<u64>,
    scope: Option<String>,
    extra: Map<String, Value>,
    terms: Terms,
}

/// Redirect URI and scope of the authorization: a refresh uses these, not today's configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Terms {
    pub(crate) redirect_uri: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) scope: Option<String>,
}

/// A payload as it is stored.
#[derive(Serialize, Deserialize)]
struct Granted {
    tokens: TokenSet,
    terms: Terms,
}

/// The last common part that was seen, for the next account.
#[derive(Debug, Default)]
pub(crate) struct Shared(Mutex<Weak<Common>>);

impl Payload {
    pub(crate) fn new(tokens: TokenSet, terms: Terms) -> Self {
        let issued_at = wall_millis(tokens.issued_at);
        let refresh_in = tokens
            .refresh_at
            .map(|at| wall_millis(at).saturating_sub(issued_at));
        Self {
            issued_at,
            // An expiry at the epoch itself is as long past as one a millisecond later.
            expires_at: tokens
                .expires_at
                .map(|at| NonZeroU64::new(wall_millis(at)).unwrap_or(NonZeroU64::MIN)),
            access_token: tokens.access_token,
            refresh_token: tokens.refresh_token,
            common: Arc::new(Common {
                token_type: tokens.token_type,
                refresh_in,
                scope: tokens.scope,
                extra: tokens.extra,
                terms,
            }),
        }
    }

    /// The same tokens, with the common part that other accounts have too.
    pub(crate) fn shared(mut self, shared: &Shared) -> Self {
        let mut last = shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        match last.upgrade().filter(|common| **common == *self.common) {
            Some(common) => self.common = common,
            None => *last = Arc::downgrade(&self.common),
        }
        self
    }

    pub(crate) fn terms(&self) -> &Terms {
        &self.common.terms
    }

    pub(crate) fn scope(&self) -> Option<&str> {
        self.common.scope.as_deref()
    }

    pub(crate) fn issued_at(&self) -> std::time::SystemTime {
        at(self.issued_at)
    }

    pub(crate) fn expires_at(&self) -> Option<std::time::SystemTime> {
        self.expires_at.map(|millis| at(millis.get()))
    }

    pub(crate) fn refresh_at(&self) -> Option<std::time::SystemTime> {
        let refresh_in = self.common.refresh_in?;
        Some(at(self.issued_at.saturating_add(refresh_in)))
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
            scope: common.scope.clone(),
            extra: common.extra.clone(),
        }
    }
}

/// There may be a million of them.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Record<Payload>>() <= 112);

fn at(millis: WallMillis) -> std::time::SystemTime {
    UNIX_EPOCH + Duration::from_millis(millis)
}

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
        }
    }
}

impl From<Granted> for Payload {
    fn from(granted: Granted) -> Self {
        Self::new(granted.tokens, granted.terms)
    }
}

impl From<Payload> for Granted {
    fn from(payload: Payload) -> Self {
        Self {
            tokens: payload.token_set(),
            terms: payload.terms().clone(),
        }
    }
}
