//! How an account is found by its names.

use tokenkeeper_protocol::Provider as _;

use super::Accounts;
use crate::{
    account::Account,
    engine::{auditing, registry},
    error::Error,
};

impl Accounts {
    /// Returns the account of `subject` at the provider with this brand. No I/O.
    ///
    /// The subject is the application's name for the connection, chosen before the redirect.
    ///
    /// # Errors
    /// - [`Error::UnknownProvider`] if no provider or more than one has this brand.
    /// - [`Error::Subject`] if the subject is empty or too long.
    /// - [`Error::ReservedSubject`] if it is `forgotten:` or `claimed:` and a SHA-256 digest.
    /// - [`Error::Protocol`] if the provider has a site per tenant: use
    ///   [`account_at`](Self::account_at).
    #[inline]
    pub fn account(&self, brand: &str, subject: &str) -> Result<Account, Error> {
        if let Some(site) = registry::site_of_brand(&self.core, brand) {
            let entry = registry::entry(&self.core, site, subject)?;
            return Ok(Account::new(self.core.clone(), entry));
        }
        self.resolve(brand, None, subject)
    }

    /// Returns the account of `subject` at one site of a provider with a site per tenant. No I/O.
    ///
    /// If several providers have this brand, `site` selects the one with this base.
    ///
    /// # Errors
    /// As [`account`](Self::account), and [`Error::Protocol`] if the provider's configuration does
    /// not allow the site.
    pub fn account_at(&self, brand: &str, site: &str, subject: &str) -> Result<Account, Error> {
        self.resolve(brand, Some(site), subject)
    }

    #[cold]
    fn resolve(&self, brand: &str, site: Option<&str>, subject: &str) -> Result<Account, Error> {
        let index = self.index_of(brand, site)?;
        self.account_by_index(index, site, subject)
    }

    /// Returns the account with these parts of a key.
    pub(super) fn account_of_key(
        &self,
        brand: &str,
        client_id: &str,
        site: &str,
        subject: &str,
    ) -> Result<Account, Error> {
        let index = registry::index_by_id(&self.core, brand, client_id, site);
        let index = index.ok_or_else(|| unknown(brand, "is no longer configured"))?;
        self.account_by_index(index, Some(site), subject)
    }

    /// Returns an account of the provider with this index.
    fn account_by_index(
        &self,
        index: usize,
        site: Option<&str>,
        subject: &str,
    ) -> Result<Account, Error> {
        let provider = &self.core.providers[index];
        let site = site.filter(|_| registry::base_of(provider).is_none());
        let chosen = site;
        let site = registry::site(&self.core, index, chosen).inspect_err(|_| {
            if let Some(chosen) = chosen {
                auditing::record_refused_site(&self.core, provider.brand(), chosen);
            }
        })?;
        let entry = registry::entry(&self.core, &site, subject)?;
        Ok(Account::new(self.core.clone(), entry))
    }

    /// Returns the index of the only provider with this brand, and with this base if it has one.
    fn index_of(&self, brand: &str, site: Option<&str>) -> Result<usize, Error> {
        let providers = &self.core.providers;
        let of_brand = (0..providers.len()).filter(|&i| providers[i].brand() == brand);
        let wanted = |i: &usize| {
            site.is_none_or(|site| {
                registry::base_of(&providers[*i]).is_none_or(|base| base == site)
            })
        };
        let mut fits = of_brand.filter(wanted);
        match (fits.next(), fits.next()) {
            (Some(one), None) => Ok(one),
            (None, _) if site.is_some() => Err(unknown(
                brand,
                "is not configured with this base: add it with `AccountsBuilder::provider`",
            )),
            (None, _) => Err(unknown(
                brand,
                "is not configured: add it with `AccountsBuilder::provider`",
            )),
            (Some(_), Some(_)) => Err(unknown(
                brand,
                "is configured more than once: name the base with `account_at`",
            )),
        }
    }
}

fn unknown(brand: &str, hint: &'static str) -> Error {
    Error::UnknownProvider {
        brand: brand.to_owned(),
        hint,
    }
}
