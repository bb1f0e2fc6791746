//! The ledger of a provider: grants, codes, access tokens and refresh tokens, and their state.

use std::collections::HashMap;
use std::time::SystemTime;

/// One approval of one client by one user.
#[derive(Clone, Default)]
pub(crate) struct Grant {
    pub(crate) client: String,
    pub(crate) user: String,
    pub(crate) redirect_uri: Option<String>,
    pub(crate) scope: Option<String>,
    /// Scopes of further parameters, by their names.
    pub(crate) further_scopes: Vec<(String, String)>,
    /// Whether no refresh token is issued.
    pub(crate) online: bool,
}

/// The index of a grant in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GrantId(usize);

/// An authorization code.
#[derive(Clone)]
pub(crate) struct Code {
    pub(crate) grant: Grant,
    pub(crate) challenge: Option<String>,
    pub(crate) expires: SystemTime,
    /// The grant that its redemption opened.
    pub(crate) redeemed: Option<GrantId>,
}

/// The state of a token at some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Unknown,
    Live,
    Expired,
    /// A refresh has replaced it.
    Replaced,
    Revoked,
}

/// An access token and the refresh token issued with it.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Pair {
    /// Makes both tokens with `random`.
    pub(crate) fn of(random: impl Fn() -> String) -> Self {
        Self {
            access: random(),
            refresh: random(),
        }
    }
}

/// An access token, or the common part of a refresh token.
struct Token {
    grant: GrantId,
    expires: Option<SystemTime>,
    replaced: bool,
    revoked: bool,
}

/// A refresh token.
struct RefreshToken {
    token: Token,
    /// The access token issued with it, or the newest one that it was redeemed for.
    access: String,
    /// The time and the result of its first redemption.
    redeemed: Option<(SystemTime, Pair)>,
}

/// A grant, and whether it was revoked.
struct GrantEntry {
    grant: Grant,
    revoked: bool,
}

/// Everything that was issued.
///
/// It forgets nothing, so that late and repeated presentations can be told apart.
#[derive(Default)]
pub(crate) struct Ledger {
    grants: Vec<GrantEntry>,
    codes: HashMap<String, Code>,
    access: HashMap<String, Token>,
    refresh: HashMap<String, RefreshToken>,
}

impl Ledger {
    pub(crate) fn add_code(&mut self, value: String, code: Code) {
        self.codes.insert(value, code);
    }

    pub(crate) fn code(&self, value: &str) -> Option<&Code> {
        self.codes.get(value)
    }

    /// Marks the code as redeemed and opens its grant.
    pub(crate) fn redeem_code(&mut self, value: &str) -> Option<GrantId> {
        let grant = self.codes.get(value)?.grant.clone();
        let id = self.open(grant);
        self.codes.get_mut(value)?.redeemed = Some(id);
        Some(id)
    }

    pub(crate) fn open(&mut self, grant: Grant) -> GrantId {
        self.grants.push(GrantEntry {
            grant,
            revoked: false,
        });
        GrantId(self.grants.len() - 1)
    }

    pub(crate) fn grant(&self, id: GrantId) -> &Grant {
        &self.grants[id.0].grant
    }

    pub(crate) fn add_access(
        &mut self,
        grant: GrantId,
        value: String,
        expires: Option<SystemTime>,
    ) {
        self.access.insert(
            value,
            Token {
                grant,
                expires,
                replaced: false,
                revoked: false,
            },
        );
    }

    /// Adds a refresh token that came with the access token `access`.
    pub(crate) fn add_refresh(
        &mut self,
        grant: GrantId,
        value: String,
        access: &str,
        expires: Option<SystemTime>,
    ) {
        let token = Token {
            grant,
            expires,
            replaced: false,
            revoked: false,
        };
        self.refresh.insert(
            value,
            RefreshToken {
                token,
                access: access.to_owned(),
                redeemed: None,
            },
        );
    }

    pub(crate) fn access(&self, value: &str, now: SystemTime) -> (Standing, Option<GrantId>) {
        self.standing(self.access.get(value), now)
    }

    pub(crate) fn refresh(&self, value: &str, now: SystemTime) -> (Standing, Option<GrantId>) {
        self.standing(self.refresh.get(value).map(|entry| &entry.token), now)
    }

    /// Returns the time at which an access token expires.
    pub(crate) fn access_expiry(&self, value: &str) -> Option<SystemTime> {
        self.access.get(value)?.expires
    }

    /// Returns the time at which a refresh token expires.
    pub(crate) fn refresh_expiry(&self, value: &str) -> Option<SystemTime> {
        self.refresh.get(value)?.token.expires
    }

    /// Returns the newest access token that belongs to a refresh token.
    pub(crate) fn access_of(&self, refresh: &str) -> Option<&str> {
        Some(self.refresh.get(refresh)?.access.as_str())
    }

    /// Returns the time and the result of a refresh token's first redemption.
    pub(crate) fn redemption(&self, refresh: &str) -> Option<&(SystemTime, Pair)> {
        self.refresh.get(refresh)?.redeemed.as_ref()
    }

    /// Marks the access token that belongs to a refresh token as replaced.
    pub(crate) fn replace_access_of(&mut self, refresh: &str) {
        let access = self.refresh.get(refresh).map(|entry| &entry.access);
        if let Some(token) = access.and_then(|access| self.access.get_mut(access)) {
            token.replaced = true;
        }
    }

    /// Marks a refresh token and its access token as replaced.
    pub(crate) fn replace_pair(&mut self, refresh: &str) {
        self.replace_access_of(refresh);
        self.replace_refresh(refresh);
    }

    pub(crate) fn replace_refresh(&mut self, value: &str) {
        if let Some(entry) = self.refresh.get_mut(value) {
            entry.token.replaced = true;
        }
    }

    /// Records the redemption of a refresh token, unless one is recorded already.
    pub(crate) fn note_redemption(&mut self, refresh: &str, at: SystemTime, pair: &Pair) {
        if let Some(entry) = self.refresh.get_mut(refresh) {
            entry.redeemed.get_or_insert_with(|| (at, pair.clone()));
        }
    }

    /// Assigns a newer access token to a refresh token that is not rotated.
    pub(crate) fn link(&mut self, refresh: &str, access: &str) {
        if let Some(entry) = self.refresh.get_mut(refresh) {
            access.clone_into(&mut entry.access);
        }
    }

    pub(crate) fn revoke_access(&mut self, value: &str) {
        if let Some(token) = self.access.get_mut(value) {
            token.revoked = true;
        }
    }

    pub(crate) fn revoke_refresh(&mut self, value: &str) {
        if let Some(entry) = self.refresh.get_mut(value) {
            entry.token.revoked = true;
        }
    }

    pub(crate) fn revoke_grant(&mut self, id: GrantId) {
        self.grants[id.0].revoked = true;
    }

    /// Revokes every grant of the user and returns how many were not revoked before.
    pub(crate) fn revoke_user(&mut self, user: &str) -> usize {
        let of_user = self
            .grants
            .iter_mut()
            .filter(|entry| entry.grant.user == user && !entry.revoked);
        of_user.map(|entry| entry.revoked = true).count()
    }

    /// Expires every access token at `now`, unless it expires earlier.
    pub(crate) fn expire_access(&mut self, now: SystemTime) {
        for token in self.access.values_mut() {
            token.expires = Some(token.expires.map_or(now, |expires| expires.min(now)));
        }
    }

    fn standing(&self, token: Option<&Token>, now: SystemTime) -> (Standing, Option<GrantId>) {
        let Some(token) = token else {
            return (Standing::Unknown, None);
        };
        let standing = if token.revoked || self.grants[token.grant.0].revoked {
            Standing::Revoked
        } else if token.replaced {
            Standing::Replaced
        } else if token.expires.is_some_and(|expires| expires <= now) {
            Standing::Expired
        } else {
            Standing::Live
        };
        (standing, Some(token.grant))
    }
}
