//! The names by which accounts and brands are found.

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

/// A provider's brand, and its site where it has one only.
#[derive(Debug)]
pub(crate) struct Brand {
    name: Box<str>,
    /// No other provider has it.
    unique: bool,
    /// Set at the first look-up, where the provider has a single base.
    pub(super) site: OnceLock<Arc<ProviderSite>>,
}

impl Brand {
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

    /// The site of the one provider that has this brand, if it has a single base and was asked for
    /// before.
    #[inline]
    pub(super) fn site_of<'a>(brands: &'a [Self], name: &str) -> Option<&'a Arc<ProviderSite>> {
        let brand = brands.iter().find(|brand| *brand.name == *name)?;
        brand.site.get().filter(|_| brand.unique)
    }
}

/// What an account is found by: its provider's site and its subject.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Name<'a> {
    pub(super) site: SiteId,
    pub(super) subject: &'a str,
}

/// An entry as the map's key: its name is in the entry alone.
#[derive(Debug)]
pub(crate) struct Named(pub(super) Arc<AccountEntry>);

impl Named {
    #[inline]
    fn name(&self) -> Name<'_> {
        Name {
            site: self.0.site.id,
            subject: &self.0.subject,
        }
    }
}

impl PartialEq for Named {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Named {}

impl Hash for Named {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl Hash for Name<'_> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.site.0[0]);
        state.write(self.subject.as_bytes());
    }
}

impl Equivalent<Named> for Name<'_> {
    #[inline]
    fn equivalent(&self, named: &Named) -> bool {
        *self == named.name()
    }
}
