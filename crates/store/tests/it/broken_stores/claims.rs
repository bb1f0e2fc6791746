//! The claims of a store that makes one mistake.

use std::time::{Duration, SystemTime};

use tokenkeeper_store::{Change, Entry, Key, StoreError, Version};
use tokio::task::yield_now;

use super::fault::Fault as F;
use super::store::Broken;

/// A claim of an entry.
#[derive(Debug)]
pub(super) struct Claim {
    /// `None`: the end is out of the clock's reach.
    until: Option<SystemTime>,
    /// The number of the handle that made it.
    handle: u8,
}

impl Broken {
    pub(super) async fn claim_due(
        &self,
        keys: &[Key],
        now: SystemTime,
        lasting: Duration,
    ) -> Result<Vec<Key>, StoreError> {
        let lasting = match self.fault {
            F::ClaimsEndEarly => lasting / 2,
            _ => lasting,
        };
        let until = now.checked_add(lasting);
        if until.is_none() && self.fault == F::RefusesLongClaims {
            return Err(StoreError::other("out of range"));
        }
        let mut claimed = Vec::new();
        for key in keys {
            let is_free = self.fault == F::ClaimsForAll || !self.is_claimed(key, now);
            if self.fault == F::ChecksThenClaims {
                yield_now().await;
            }
            if is_free && self.can_be_claimed(key, now) {
                self.hide(key, until);
                claimed.push(key.clone());
            }
        }
        if self.fault == F::ClaimReturnsOtherKeys {
            let entries = self.shared.entries.lock().expect("no panic");
            claimed = entries.values().map(|kept| kept.key.clone()).collect();
        }
        Ok(claimed)
    }

    pub(super) fn is_claimed(&self, key: &Key, time: SystemTime) -> bool {
        let claims = self.shared.claims.lock().expect("no panic");
        claims.get(&self.bytes(key)).is_some_and(|claim| {
            let is_seen = self.fault != F::ClaimsAreLocal || claim.handle == self.number;
            let is_over = claim.until.is_some_and(|until| until <= time);
            is_seen && (!is_over || self.fault == F::ClaimsNeverEnd)
        })
    }

    /// Follows a write of the entry.
    pub(super) fn end_claim(&self, key: &Key) {
        if self.fault != F::PutsKeepClaims {
            let mut claims = self.shared.claims.lock().expect("no panic");
            claims.remove(&self.bytes(key));
        }
    }

    fn can_be_claimed(&self, key: &Key, now: SystemTime) -> bool {
        match self.there(key) {
            Some(entry) => {
                self.fault == F::ClaimsWhatIsNotDue || entry.due.is_some_and(|due| due < now)
            }
            None if self.fault == F::ClaimsExpiredKeys => {
                let entries = self.shared.entries.lock().expect("no panic");
                entries.contains_key(&self.bytes(key))
            }
            None => self.fault == F::ClaimsMissingKeys,
        }
    }

    fn hide(&self, key: &Key, until: Option<SystemTime>) {
        let handle = self.number;
        let mut claims = self.shared.claims.lock().expect("no panic");
        claims.insert(self.bytes(key), Claim { until, handle });
        drop(claims);
        let mut entries = self.shared.entries.lock().expect("no panic");
        let Some(kept) = entries.get_mut(&self.bytes(key)) else {
            return;
        };
        let entry: &mut Entry = &mut kept.entry;
        match self.fault {
            F::ClaimsChangeTheVersion => entry.version = Version::random(),
            F::ClaimsMoveTheDueTime => entry.due = until,
            F::ClaimsAreAnnounced => self.announce(Change::new(key.clone(), entry.version)),
            _ => {}
        }
    }
}
