//! Finding an account's entry: one per account, as long as it is held.

use std::{
    collections::hash_map::Entry,
    sync::{
        Arc, PoisonError,
        atomic::{Ordering, fence},
    },
};

use tokenkeeper_protocol::{Origin, Provider};
use tokenkeeper_store::Key;

use super::{
    core::Core,
    entry::AccountEntry,
    names::{Brand, Name, Named},
    site::{ProviderSite, SiteId},
};
use crate::error::Error;

/// What the accounts of the provider with this index have in common at a site (`None`: its fixed
/// base).
pub(crate) fn site(
    core: &Core,
    index: usize,
    given: Option<&str>,
) -> Result<Arc<ProviderSite>, Error> {
    if given.is_none()
        && let Some(site) = core.brands[index].site.get()
    {
        return Ok(site.clone());
    }
    let provider = &core.providers[index];
    let origin = provider.site(given)?;
    let mut sites = core.sites.lock().unwrap_or_else(PoisonError::into_inner);
    let site = match sites.entry((index, origin.as_str().to_owned())) {
        Entry::Occupied(there) if there.get().strong_count() > 0 => there.get().upgrade(),
        _ => None,
    };
    let site = match site {
        Some(site) => site,
        None => {
            let key = (index, origin.as_str().to_owned());
            let site = ProviderSite::new(provider.clone(), origin, core.holder, &core.options)?;
            let site = Arc::new(site);
            sites.insert(key, Arc::downgrade(&site));
            site
        }
    };
    if given.is_none() {
        let _ = core.brands[index].site.set(site.clone());
    }
    Ok(site)
}

/// The site of the one provider that has this brand, if it has a single base and was asked for
/// before.
#[inline]
pub(crate) fn site_of_brand<'a>(core: &'a Core, name: &str) -> Option<&'a Arc<ProviderSite>> {
    Brand::site_of(&core.brands, name)
}

/// The provider that a stored key belongs to, and the site; `None` if it is not one of ours.
pub(crate) fn site_of_key(core: &Core, key: &Key) -> Option<(usize, Arc<ProviderSite>)> {
    let index = index_by_id(core, key.brand(), key.client_id(), key.base())?;
    let tenant = base_of(&core.providers[index]).is_none();
    let site = site(core, index, tenant.then_some(key.base())).ok()?;
    (site.site.as_str() == key.base()).then_some((index, site))
}

/// The provider with this brand and client id at this site.
pub(crate) fn index_by_id(core: &Core, brand: &str, client_id: &str, site: &str) -> Option<usize> {
    core.providers.iter().position(|provider| {
        provider.brand() == brand
            && provider.client().registration().client_id() == client_id
            && base_of(provider).is_none_or(|base| base == site)
    })
}

/// The fixed base of a provider; `None` if it has a site per tenant.
pub(crate) fn base_of(provider: &Arc<dyn Provider>) -> Option<&str> {
    let base = provider.client().dialect().base.as_ref()?;
    Some(base.as_str())
}

/// Whether any provider's API could be at this target: a fixed base, or the site of a connected
/// account.
pub(crate) fn allows(core: &Core, target: &http::Uri) -> bool {
    Origin::of(target).is_some_and(|origin| core.origins.contain(&origin))
}

/// The entry of an account, made on first sight.
#[inline]
pub(crate) fn entry(
    core: &Arc<Core>,
    site: &Arc<ProviderSite>,
    subject: &str,
) -> Result<Arc<AccountEntry>, Error> {
    let name = Name {
        site: site.id,
        subject,
    };
    if let Some((Named(entry), ())) = core.entries.pin().get_key_value(&name)
        && let Some(entry) = hold(entry)
    {
        return Ok(entry);
    }
    new_entry(core, site, subject)
}

/// The entry of a key, if it is in memory.
pub(crate) fn known_entry(core: &Core, key: &Key) -> Option<Arc<AccountEntry>> {
    let name = Name {
        site: SiteId::of(key),
        subject: key.subject(),
    };
    let entries = core.entries.pin();
    let (Named(entry), ()) = entries.get_key_value(&name)?;
    hold(entry)
}

#[cold]
fn new_entry(
    core: &Arc<Core>,
    site: &Arc<ProviderSite>,
    subject: &str,
) -> Result<Arc<AccountEntry>, Error> {
    // A text that is no subject is refused before it has an entry: `AccountEntry::key` relies on
    // it.
    site.key(subject)?;
    let name = Name {
        site: site.id,
        subject,
    };
    let new = AccountEntry::new(subject.into(), site.clone(), core.time.now());
    let new = Arc::new(new);
    let entries = core.entries.pin();
    loop {
        // If there is one, it stays.
        let _ = entries.try_insert(Named(new.clone()), ());
        if let Some((Named(entry), ())) = entries.get_key_value(&name)
            && let Some(entry) = hold(entry)
        {
            return Ok(entry);
        }
        // The sweep is just dropping it.
        std::thread::yield_now();
    }
}

/// A handle on an entry of the registry. `None` if the sweep is dropping it: used again, it would
/// be a second one for the account.
#[inline]
fn hold(found: &Arc<AccountEntry>) -> Option<Arc<AccountEntry>> {
    let entry = found.clone();
    fence(Ordering::SeqCst);
    (!entry.retired.load(Ordering::SeqCst)).then_some(entry)
}

/// Drops the contents of idle accounts, the entries without a holder, and the sites without any.
pub(crate) fn sweep(core: &Core) {
    let now = core.time.now();
    for Named(entry) in core.entries.pin().keys() {
        if entry.drop_if_idle(now, core.options.idle_timeout) {
            retire(core, &entry.site, &entry.subject);
        }
    }
    let mut sites = core.sites.lock().unwrap_or_else(PoisonError::into_inner);
    sites.retain(|_, site| site.strong_count() > 0);
}

/// Drops an emptied entry, unless it is held.
pub(crate) fn retire(core: &Core, site: &ProviderSite, subject: &str) {
    let entries = core.entries.pin();
    let site = site.id;
    let name = Name { site, subject };
    let Some((Named(entry), ())) = entries.get_key_value(&name) else {
        return;
    };
    // First the flag, then the count: a finder counts itself first and then looks at the flag. One
    // task drops it at a time: another would take the flag back between the count and the
    // removal.
    if entry.retired.swap(true, Ordering::SeqCst) {
        return;
    }
    fence(Ordering::SeqCst);
    if Arc::strong_count(entry) == 1 {
        entries.remove(&name);
    } else {
        entry.retired.store(false, Ordering::SeqCst);
    }
}
