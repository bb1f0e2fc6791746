//! A token that a program may keep for a while.

use std::time::{Duration, SystemTime};

use tokenkeeper::{
    Account, Token,
    source::{Credential, TokenSource as _},
};

use crate::{BoxError, exit::misconfigured, progress};

/// A fresh token, and the form in which requests carry it.
pub(crate) struct Fresh {
    pub(crate) token: Token,
    pub(crate) credential: Credential,
}

impl Fresh {
    /// Takes a token that no refresh in flight is about to invalidate.
    pub(crate) async fn take(
        account: &Account,
        valid_for: Option<Duration>,
    ) -> Result<Self, BoxError> {
        progress::show("refreshing", Self::find(account, valid_for)).await
    }

    async fn find(account: &Account, valid_for: Option<Duration>) -> Result<Self, BoxError> {
        // The program that gets the token cannot ask for a replay.
        account.credential(false).await?;
        let mut token = account.token().await?;
        if let Some(at_least) = valid_for
            && expires_within(&token, at_least)
        {
            token = account.refresh().await?;
            if expires_within(&token, at_least) {
                let text = "the provider's tokens are valid for a shorter time: ask for less with \
                            --valid-for";
                return Err(misconfigured(text).into());
            }
        }
        let credential = account.credential(true).await?;
        Ok(Self { token, credential })
    }

    /// Returns the expiry in seconds since 1970, if it is known.
    pub(crate) fn expires_at(&self) -> Option<u64> {
        let since = self
            .token
            .expires_at()?
            .duration_since(SystemTime::UNIX_EPOCH);
        since.ok().map(|since| since.as_secs())
    }
}

fn expires_within(token: &Token, duration: Duration) -> bool {
    token.expires_at().is_some_and(|at| {
        at.duration_since(SystemTime::now())
            .unwrap_or_default()
            .lt(&duration)
    })
}
