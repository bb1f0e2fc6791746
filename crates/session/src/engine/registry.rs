//! Finding an account's slot: one per account, as long as anybody holds it.

use std::{
    collections::{HashSet, hash_map::Entry},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{Ordering, fence},
    },
};

use papaya::Equivalent;
use tokenkeeper_protocol::{Origin, Provider};
use tokenkeeper_store::{Key, Place};

use super::{Core, Home, Slot};
use crate::Error;

/// The API origins of all providers and sites: looked up for every request without an account, however many sites there are.
#[derive(Debug, Default)]
pub(crate) struct Origins(RwLock<HashSet<Origin>>);

impl Origins {
    pub(crate) fn add<'a>(&self, origins: impl Iterator<Item = &'a Origin>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.extend(origins.cloned());
    }

    fn contain(&self, origin: &Origin) -> bool {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.contains(origin)
    }
}

/// The fields of a key that need not be made to find what is kept under it.
#[derive(Hash)]
struct Sought<'a> {
    place: Place<'a>,
    subject: &'a str,
}

impl Equivalent<Key> for Sought<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.subject == key.subject() && self.place == key.place()
    }
}

impl Core {
    /// What the accounts of the provider with this index have in common at a site (`None`: its fixed base).
    pub(crate) fn home(
        &self,
        index: usize,
        provider: &Arc<dyn Provider>,
        site: Option<&str>,
    ) -> Result<Arc<Home>, Error> {
        if site.is_none()
            && let Some(home) = self.fixed_homes[index].get()
        {
            return Ok(home.clone());
        }
        let given = site;
        let site = provider.site(given)?;
        let mut homes = self.homes.lock().unwrap_or_else(PoisonError::into_inner);
        let home = match homes.entry((index, site.as_str().to_owned())) {
            Entry::Occupied(there) => there.get().clone(),
            Entry::Vacant(vacant) => {
                let home = Home::new(provider.clone(), site, self.holder, &self.options)?;
                self.origins.add(home.origins.iter());
                vacant.insert(Arc::new(home)).clone()
            }
        };
        if given.is_none() {
            let _ = self.fixed_homes[index].set(home.clone());
        }
        Ok(home)
    }

    /// Whether any provider's API could be at this target: a fixed base, or a site that accounts were made for.
    pub(crate) fn owns(&self, target: &http::Uri) -> bool {
        Origin::of(target).is_some_and(|origin| self.origins.contain(&origin))
    }

    /// The slot of an account, made on first sight.
    pub(crate) fn slot(&self, home: &Arc<Home>, subject: &str) -> Result<Arc<Slot>, Error> {
        let sought = Sought {
            place: home.any_key.place(),
            subject,
        };
        let slots = self.slots.pin();
        loop {
            let slot = match slots.get(&sought) {
                Some(slot) => slot.clone(),
                None => {
                    let key = home.key(subject)?;
                    let new = || Arc::new(Slot::new(key.clone(), home.clone()));
                    slots.get_or_insert_with(key.clone(), new).clone()
                }
            };
            // A slot that the sweep is just dropping must not be used again: it would be a second one for the account.
            fence(Ordering::SeqCst);
            if !slot.retired.load(Ordering::SeqCst) {
                slot.used
                    .store(self.time.coarse_ticks().0, Ordering::Relaxed);
                return Ok(slot);
            }
            drop(slot);
            std::thread::yield_now();
        }
    }
}
