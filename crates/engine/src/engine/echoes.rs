//! The sites whose redirects return the state although no document says so.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use super::site::SiteId;

/// The sites that are remembered; beyond it, the first ones are forgotten.
const MAX_SITES: usize = 4096;

/// The sites that returned the state of a finished login, each in this process.
///
/// They are not in the store. A person can append their own state to their own redirect, and make a
/// site look as if it returned states; a provider can also stop doing it. Logins without a state
/// are then refused, and must not stay so for good, in all processes. A process that does not know
/// a site lets the person confirm instead, so nothing is lost by forgetting.
#[derive(Debug, Default)]
pub(crate) struct EchoingSites(Mutex<VecDeque<SiteId>>);

impl EchoingSites {
    pub(crate) fn contains(&self, site: SiteId) -> bool {
        let sites = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sites.contains(&site)
    }

    pub(crate) fn insert(&self, site: SiteId) {
        let mut sites = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if sites.contains(&site) {
            return;
        }
        if sites.len() == MAX_SITES {
            sites.pop_front();
        }
        sites.push_back(site);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sites_are_forgotten_at_the_bound() {
        let sites = EchoingSites::default();
        let id = |n: usize| SiteId([n as u64, 0]);
        for n in 0..=MAX_SITES {
            sites.insert(id(n));
            sites.insert(id(n));
        }
        assert!(!sites.contains(id(0)));
        assert!(sites.contains(id(1)) && sites.contains(id(MAX_SITES)));
    }
}
