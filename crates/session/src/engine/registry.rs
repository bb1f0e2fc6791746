//! Finding an account's slot: one per account, as long as anybody holds it.

use std::{
    collections::{HashSet, hash_map::Entry},
    fmt,
    hash::{Hash, Hasher},
    sync::{
        Arc, OnceLock, PoisonError, RwLock,
        atomic::{Ordering, fence},
    },
};

use papaya::Equivalent;
use smol_str::SmolStr;
use tokenkeeper_protocol::{Origin, Provider};
use tokenkeeper_store::Key;

use super::{Core, Home, Slot, home::HomeId};
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

/// What is needed to find the home of an account by its provider's brand.
#[derive(Debug)]
pub(crate) struct Brand {
    name: Box<str>,
    /// No other provider has it.
    alone: bool,
    /// Where the provider has a single base, and it was asked for before.
    home: OnceLock<Arc<Home>>,
}

impl Brand {
    pub(crate) fn all(providers: &[Arc<dyn Provider>]) -> Box<[Self]> {
        let brands = || providers.iter().map(Provider::brand);
        brands()
            .map(|name| Self {
                name: name.into(),
                alone: brands().filter(|other| *other == name).count() == 1,
                home: OnceLock::new(),
            })
            .collect()
    }
}

/// Under what an account is found: what the accounts of one home have in common, and the subject, here and not behind a pointer.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Name {
    home: HomeId,
    subject: SmolStr,
}

/// A [`Name`] that need not be made to find what is kept under it.
pub(super) struct Sought<'a> {
    pub(super) home: HomeId,
    pub(super) subject: &'a str,
}

/// Without the subject, which may be an e-mail address.
impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Name")
            .field("home", &self.home)
            .finish_non_exhaustive()
    }
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let (home, subject) = (self.home, self.subject.as_str());
        Sought { home, subject }.hash(state);
    }
}

impl Hash for Sought<'_> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.home.0[0]);
        state.write(self.subject.as_bytes());
    }
}

impl Equivalent<Name> for Sought<'_> {
    #[inline]
    fn equivalent(&self, name: &Name) -> bool {
        self.subject == name.subject && self.home == name.home
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
            && let Some(home) = self.brands[index].home.get()
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
            let _ = self.brands[index].home.set(home.clone());
        }
        Ok(home)
    }

    /// The home of the one provider that has this brand, if it has a single base and was asked for before.
    #[inline]
    pub(crate) fn home_of_brand(&self, name: &str) -> Option<&Arc<Home>> {
        let brand = self.brands.iter().find(|brand| *brand.name == *name)?;
        brand.home.get().filter(|_| brand.alone)
    }

    /// Whether any provider's API could be at this target: a fixed base, or a site that accounts were made for.
    pub(crate) fn owns(&self, target: &http::Uri) -> bool {
        Origin::of(target).is_some_and(|origin| self.origins.contain(&origin))
    }

    /// The slot of an account, made on first sight.
    #[inline]
    pub(crate) fn slot(
        self: &Arc<Self>,
        home: &Arc<Home>,
        subject: &str,
    ) -> Result<Arc<Slot>, Error> {
        let sought = Sought {
            home: home.id,
            subject,
        };
        if let Some(slot) = self.slots.pin().get(&sought)
            && let Some(slot) = Slot::hold(slot)
        {
            return Ok(slot);
        }
        self.new_slot(home, subject)
    }

    /// The slot of a key, if it is in memory.
    pub(crate) fn known_slot(&self, key: &Key) -> Option<Arc<Slot>> {
        let sought = Sought {
            home: HomeId::of(key),
            subject: key.subject(),
        };
        Slot::hold(self.slots.pin().get(&sought)?)
    }

    #[cold]
    fn new_slot(self: &Arc<Self>, home: &Arc<Home>, subject: &str) -> Result<Arc<Slot>, Error> {
        // Whatever is no subject is refused before it has a slot: `Slot::key` relies on it.
        home.key(subject)?;
        if let Ok(runtime) = self.runtime() {
            self.start_sweeping(&runtime);
        }
        let name = Name {
            home: home.id,
            subject: subject.into(),
        };
        let new = || {
            let (subject, now) = (name.subject.clone(), self.time.ticks());
            Arc::new(Slot::new(subject, home.clone(), now))
        };
        let slots = self.slots.pin();
        loop {
            if let Some(slot) = Slot::hold(slots.get_or_insert_with(name.clone(), new)) {
                return Ok(slot);
            }
            // The sweep is just dropping it.
            std::thread::yield_now();
        }
    }
}

impl Slot {
    /// A handle on a slot of the registry. `None` where the sweep is dropping it: used again, it would be a second one for the account.
    #[inline]
    fn hold(found: &Arc<Self>) -> Option<Arc<Self>> {
        let slot = found.clone();
        fence(Ordering::SeqCst);
        (!slot.retired.load(Ordering::SeqCst)).then_some(slot)
    }
}
