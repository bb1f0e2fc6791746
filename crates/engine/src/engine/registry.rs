//! The registry of accounts in memory: one entry per account, for as long as a handle to it exists.

use std::{
    collections::hash_map::Entry,
    sync::{
        Arc, PoisonError,
        atomic::{Ordering, fence},
    },
    time::Duration,
};

use papaya::Guard as _;
use tokenkeeper_protocol::{Origin, Provider};
use tokenkeeper_store::Key;

use super::{
    core::Core,
    entry::AccountEntry,
    internal::is_internal_subject,
    names::{AccountName, Brand, NamedEntry},
    site::{ProviderSite, SiteId},
};
use crate::error::Error;

/// Returns the site `given` of the provider with this index, or its fixed base for `None`.
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
        Entry::Occupied(existing) => existing.get().upgrade(),
        Entry::Vacant(_) => None,
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

/// Returns the site of the only provider with this brand, if it has a single base and was looked up
/// before.
#[inline]
pub(crate) fn site_of_brand<'a>(core: &'a Core, name: &str) -> Option<&'a Arc<ProviderSite>> {
    Brand::site_of(&core.brands, name)
}

/// Returns the index of a key's provider and its site; `None` if no configured provider fits.
pub(crate) fn site_of_key(core: &Core, key: &Key) -> Option<(usize, Arc<ProviderSite>)> {
    let index = index_by_id(core, key.brand(), key.client_id(), key.base())?;
    let has_tenants = base_of(&core.providers[index]).is_none();
    let site = site(core, index, has_tenants.then_some(key.base())).ok()?;
    (site.site.as_str() == key.base()).then_some((index, site))
}

/// Returns the index of the provider with this brand and client id at this site.
pub(crate) fn index_by_id(core: &Core, brand: &str, client_id: &str, site: &str) -> Option<usize> {
    core.providers.iter().position(|provider| {
        provider.brand() == brand
            && provider.client().registration().client_id() == client_id
            && base_of(provider).is_none_or(|base| base == site)
    })
}

/// Returns the fixed base of a provider; `None` if it has a site per tenant.
pub(crate) fn base_of(provider: &Arc<dyn Provider>) -> Option<&str> {
    let base = provider.client().dialect().base.as_ref()?;
    Some(base.as_str())
}

/// Returns whether the target belongs to an API: that of a fixed base, or that of a connected
/// account's site.
pub(crate) fn allows(core: &Core, target: &http::Uri) -> bool {
    Origin::of(target).is_some_and(|origin| core.origins.contain(&origin))
}

/// Returns the entry of an account, and creates it if necessary.
#[inline]
pub(crate) fn entry(
    core: &Arc<Core>,
    site: &Arc<ProviderSite>,
    subject: &str,
) -> Result<Arc<AccountEntry>, Error> {
    let name = AccountName {
        site: site.id,
        subject,
    };
    if let Some((NamedEntry(entry), ())) = core.entries.pin().get_key_value(&name)
        && let Some(entry) = hold(entry)
    {
        return Ok(entry);
    }
    new_entry(core, site, subject)
}

/// Returns the entry of a key, if it is in memory.
pub(crate) fn known_entry(core: &Core, key: &Key) -> Option<Arc<AccountEntry>> {
    let name = AccountName {
        site: SiteId::of(key),
        subject: key.subject(),
    };
    let entries = core.entries.pin();
    let (NamedEntry(entry), ()) = entries.get_key_value(&name)?;
    hold(entry)
}

#[cold]
fn new_entry(
    core: &Arc<Core>,
    site: &Arc<ProviderSite>,
    subject: &str,
) -> Result<Arc<AccountEntry>, Error> {
    // Such an account could pass for the mark of another one.
    if is_internal_subject(subject) {
        return Err(Error::ReservedSubject);
    }
    // `AccountEntry::key` relies on the subject being valid.
    site.key(subject)?;
    let name = AccountName {
        site: site.id,
        subject,
    };
    let new = AccountEntry::new(subject.into(), site.clone(), core.time.now());
    let new = Arc::new(new);
    let entries = core.entries.pin();
    loop {
        // An existing entry stays.
        let _ = entries.try_insert(NamedEntry(new.clone()), ());
        if let Some((NamedEntry(entry), ())) = entries.get_key_value(&name)
            && let Some(entry) = hold(entry)
        {
            if site.is_chosen() {
                core.over.add(&entry);
            }
            return Ok(entry);
        }
        // The sweep is removing it.
        std::thread::yield_now();
    }
}

/// Returns a handle to a registered entry; `None` if the sweep is removing it, since an account
/// must not have two entries.
#[inline]
fn hold(found: &Arc<AccountEntry>) -> Option<Arc<AccountEntry>> {
    let entry = found.clone();
    fence(Ordering::SeqCst);
    (!entry.state.is_retired()).then_some(entry)
}

/// Evicts idle accounts, and sites without accounts.
pub(crate) fn sweep(core: &Core) {
    let now = core.time.now();
    for NamedEntry(entry) in core.entries.pin().keys() {
        if entry.drop_if_idle(now, core.options.idle_timeout, &core.origins) {
            retire(core, &entry.site, &entry.subject);
        }
    }
    forget_sites(core);
}

/// Evicts an account that [is over](AccountEntry::is_over) and was not used for `unused`. Returns
/// it if it must be tried again, and `None` also if it has a new login.
pub(crate) fn evict_over(
    core: &Core,
    entry: Arc<AccountEntry>,
    unused: Duration,
) -> Option<Arc<AccountEntry>> {
    let mut inner = entry.lock();
    let over = entry.is_over(&inner);
    if let Some(cold) = inner.cold_mut().filter(|_| !over) {
        // A later disconnect adds it again.
        cold.leaves = false;
    }
    drop(inner);
    if over && !entry.drop_if_idle(core.time.now(), unused, &core.origins) {
        return Some(entry);
    }
    if !over {
        return None;
    }
    let (site, subject) = (entry.site.clone(), entry.subject.clone());
    let held = Arc::downgrade(&entry);
    drop(entry);
    let removed = retire(core, &site, &subject);
    // The sweep finds the account of a handle that lives on. At a site that a person chose it must
    // not stay until then.
    held.upgrade().filter(|_| !removed && site.is_chosen())
}

/// Drops the sites that have no account in memory any more.
pub(crate) fn forget_sites(core: &Core) {
    // The map frees removed entries in batches, and each of them holds its site until then.
    core.entries.guard().flush();
    let mut sites = core.sites.lock().unwrap_or_else(PoisonError::into_inner);
    sites.retain(|_, site| site.strong_count() > 0);
}

/// Removes an emptied entry, unless a handle to it exists. Returns whether it is gone.
pub(crate) fn retire(core: &Core, site: &ProviderSite, subject: &str) -> bool {
    let entries = core.entries.pin();
    let site = site.id;
    let name = AccountName { site, subject };
    let Some((NamedEntry(entry), ())) = entries.get_key_value(&name) else {
        return true;
    };
    // Set the flag, then read the count: `hold` increments the count, then reads the flag. Only one
    // task may remove an entry: another could reset the flag between this one's count and removal.
    if entry.state.set_retired(true) {
        return false;
    }
    fence(Ordering::SeqCst);
    let unused = Arc::strong_count(entry) == 1;
    if unused {
        entries.remove(&name);
    } else {
        entry.state.set_retired(false);
    }
    unused
}
