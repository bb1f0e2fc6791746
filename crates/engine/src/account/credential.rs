use std::{
    pin::Pin,
    task::{Context, Poll},
};

use super::Account;
use crate::{engine::acquire::Acquiring, error::Error, source::Credential};

/// The future of [`Account::into_credential`]. Dropping it only stops the waiting.
#[doc(hidden)]
#[derive(Debug)]
pub struct AccountCredential {
    account: Account,
    acquiring: Acquiring,
}

impl AccountCredential {
    pub(super) fn new(account: Account, replayable: bool) -> Self {
        Self {
            account,
            acquiring: Acquiring::new(replayable),
        }
    }
}

impl Future for AccountCredential {
    type Output = Result<Credential, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { account, acquiring } = &mut *self;
        let acquired = acquiring.poll(&account.core, &account.entry, cx);
        acquired.map_ok(Credential::of)
    }
}
