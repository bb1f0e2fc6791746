use std::task::{Context, Poll};

use super::Account;
use crate::{engine::acquire::Acquiring, error::Error, source::Credential};

/// A wait for the token of an [`Account`], of which a front holds a handle anyway. Dropping it only
/// stops the waiting.
#[doc(hidden)]
#[derive(Debug)]
pub struct AccountWait(Acquiring);

impl AccountWait {
    /// Starts at the first poll.
    #[must_use]
    pub fn new(replayable: bool) -> Self {
        Self(Acquiring::new(replayable))
    }

    #[inline]
    pub(super) fn started(acquiring: Acquiring) -> Self {
        Self(acquiring)
    }

    /// Returns the token of `account`, with which every poll must be called.
    ///
    /// # Errors
    ///
    /// As [`TokenSource::credential`](crate::TokenSource::credential).
    #[inline]
    pub fn poll(
        &mut self,
        account: &Account,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Credential, Error>> {
        let acquired = self.0.poll(&account.core, &account.entry, cx);
        acquired.map_ok(Credential::of)
    }
}
