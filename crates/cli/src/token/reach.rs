//! Which hosts an account's token may go to.

use http::Uri;
use tokenkeeper::{Account, source::TokenSource as _};

use crate::BoxError;

/// The hosts of an account's provider.
pub(crate) struct Reach<'a> {
    account: &'a Account,
}

impl<'a> Reach<'a> {
    pub(crate) fn of(account: &'a Account) -> Self {
        Self { account }
    }

    /// Returns whether the URL is of the provider's API. What only the login names is read from the
    /// store.
    pub(crate) async fn has_api(&self, url: &Uri) -> Result<bool, BoxError> {
        if !self.account.allows(url) && self.account.may_allow(url) {
            self.account.load().await?;
        }
        Ok(self.account.allows(url))
    }

    /// Returns whether the URL is of the provider's API, or of the site where the login was.
    ///
    /// A forge serves git at its site, and its API elsewhere.
    pub(crate) async fn has(&self, url: &Uri) -> Result<bool, BoxError> {
        Ok(self.account.site().matches(url) || self.has_api(url).await?)
    }

    /// Returns the origins as text, as far as they are known.
    pub(crate) fn origins(&self) -> Vec<String> {
        let origins = self.account.origins();
        origins.iter().map(ToString::to_string).collect()
    }
}
