//! The keys of the engine's look-ups: brands, and names of accounts.

use std::{
    hash::{Hash, Hasher},
    sync::{Arc, OnceLock},
};

use papaya::Equivalent;
use tokenkeeper_protocol::Provider;

use super::{
    entry::AccountEntry,
    site::{ProviderSite, SiteId},
};

/// A provider's brand and, if the provider has a single base, its site.
#[derive(Debug)]
pub(crate) struct Brand {
    name: Box<str>,
    /// Whether no other provider has this brand.
    unique: bool,
    /// Set at the first look-up, if the provider has a single base.
    pub(super) site: OnceLock<Arc<ProviderSite>>,
}

impl Brand {
    /// Returns the brand of each provider, in their order.
    pub(crate) fn all(providers: &[Arc<dyn Provider>]) -> Box<[Self]> {
        let brands = || providers.iter().map(Provider::brand);
        brands()
            .map(|name| Self {
                name: name.into(),
                unique: brands().filter(|other| *other == name).count() == 1,
                site: OnceLock::new(),
            })
            .collect()
    }

    /// Returns the site of the only provider with this brand, if it has a single base and was
    /// looked up before.
    #[inline]
    pub(super) fn site_of<'a>(brands: &'a [Self], name: &str) -> Option<&'a Arc<ProviderSite>> {
        let brand = brands.iter().find(|brand| *brand.name == *name)?;
        brand.site.get().filter(|_| brand.unique)
    }
}

/// The map key of an account: its provider's site and its subject.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct AccountName<'a> {
    pub(super) site: SiteId,
    pub(super) subject: &'a str,
}

/// An entry that serves as its own map key, so that its name is stored once.
#[derive(Debug)]
pub(crate) struct NamedEntry(pub(crate) Arc<AccountEntry>);

impl NamedEntry {
    #[inline]
    fn name(&self) -> AccountName<'_> {
        AccountName {
            site: self.0.site.id,
            subject: &self.0.subject,
        }
    }
}

impl PartialEq for NamedEntry {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for NamedEntry {}

impl Hash for NamedEntry {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl Hash for AccountName<'_> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.site.0[0]);
        state.write(self.subject.as_bytes());
    }
}

impl Equivalent<NamedEntry> for AccountName<'_> {
    #[inline]
    fn equivalent(&self, named: &NamedEntry) -> bool {
        *self == named.name()
    }
}
