//! The names by which accounts and brands are found.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::{Arc, OnceLock},
};

use papaya::Equivalent;
use smol_str::SmolStr;
use tokenkeeper_protocol::Provider;

use super::site::{ProviderSite, SiteId};

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

    /// The site of the one provider that has this brand, if it has a single base and was asked for before.
    #[inline]
    pub(super) fn site_of<'a>(brands: &'a [Self], name: &str) -> Option<&'a Arc<ProviderSite>> {
        let brand = brands.iter().find(|brand| *brand.name == *name)?;
        brand.site.get().filter(|_| brand.unique)
    }
}

/// Map key: provider site and subject, stored inline.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub(super) site: SiteId,
    pub(super) subject: SmolStr,
}

/// A borrowed [`Name`], for look-ups.
pub(super) struct NameRef<'a> {
    pub(super) site: SiteId,
    pub(super) subject: &'a str,
}

/// Without the subject, which may be an e-mail address.
impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Name")
            .field("site", &self.site)
            .finish_non_exhaustive()
    }
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let (site, subject) = (self.site, self.subject.as_str());
        NameRef { site, subject }.hash(state);
    }
}

impl Hash for NameRef<'_> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.site.0[0]);
        state.write(self.subject.as_bytes());
    }
}

impl Equivalent<Name> for NameRef<'_> {
    #[inline]
    fn equivalent(&self, name: &Name) -> bool {
        self.subject == name.subject && self.site == name.site
    }
}
