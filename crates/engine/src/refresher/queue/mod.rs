//! The due accounts of one provider: what is listed, claimed and visited.

mod candidates;
mod claims;
mod lanes;
mod listing;
mod pace;
mod pause;
mod refill;
mod visits;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokenkeeper_store::Key;
use tokio::time::Instant;

pub(super) use self::visits::Start;
use self::{
    candidates::Candidates, claims::Claims, lanes::Lanes, pace::Pace, pause::Pauses, refill::Refill,
};
use super::{
    page::PAGE,
    visit::{FinishedVisit, Outcome, Visit},
};
use crate::{engine::ProviderSite, options::Options};

/// An account that the store listed.
pub(super) struct DueAccount {
    pub(super) key: Key,
    pub(super) site: Arc<ProviderSite>,
    /// Whether it was listed as due, not as in need of attention.
    pub(super) due: bool,
    /// Whether it became due behind accounts that wait longer.
    pub(super) is_recent: bool,
}

impl DueAccount {
    fn give_up(self) -> FinishedVisit {
        FinishedVisit {
            account: self,
            outcome: Outcome::GivenUp,
            due_at: None,
            temporary: None,
        }
    }
}

/// The accounts of one provider, from the listing to the end of a visit.
///
/// Due accounts are listed, claimed shortly before their visits, and visited. If more are due than
/// there is room for, the queue lists the rest itself as room becomes free.
pub(super) struct ProviderQueue {
    candidates: Candidates,
    claims: Claims,
    attention: VecDeque<DueAccount>,
    /// Visits that have read and wait for a lane.
    read: VecDeque<Visit>,
    /// The position of the due accounts for which there was no room.
    refill: Option<Refill>,
    /// The number of due accounts that a walk has seen and not queued.
    unqueued: usize,
    /// The same of the current walk.
    counted: usize,
    /// Whether the current walk began while listed accounts waited, so that it brings later ones.
    brings_recent: bool,
    lanes: Lanes,
    pace: Pace,
    /// Whether the current page has brought accounts.
    has_new: bool,
    pauses: Pauses,
    /// Whether the provider has a single site, so that a pause of it is one of the provider.
    has_one_site: bool,
    /// When the pause of a site ends whose accounts a walk has skipped.
    revisit: Option<Instant>,
    /// Alternates between due accounts and those that need attention.
    turn: u8,
    begun: Instant,
}

impl ProviderQueue {
    pub(super) fn new(concurrency: usize, has_one_site: bool, now: Instant) -> Self {
        Self {
            candidates: Candidates::new(concurrency),
            claims: Claims::new(),
            attention: VecDeque::new(),
            read: VecDeque::new(),
            refill: None,
            unqueued: 0,
            counted: 0,
            brings_recent: false,
            lanes: Lanes::new(concurrency),
            pace: Pace::new(now),
            has_new: false,
            pauses: Pauses::default(),
            has_one_site,
            revisit: None,
            turn: 0,
            begun: now,
        }
    }

    /// Returns the number of accounts that wait for a visit.
    pub(super) fn len(&self) -> usize {
        self.candidates.len() + self.claims.accounts.len() + self.attention.len()
    }

    pub(super) fn in_flight(&self) -> usize {
        self.lanes.in_flight() + self.read.len()
    }

    /// Returns the known account that waits longest.
    pub(super) fn first(&self) -> Option<&DueAccount> {
        self.claims
            .accounts
            .front()
            .or_else(|| self.candidates.first())
    }

    /// Returns how many accounts are known to be due and wait for a visit.
    pub(super) fn due(&self) -> usize {
        let unqueued = self.unqueued.max(self.counted);
        self.candidates.len() + self.claims.accounts.len() + unqueued
    }

    /// Returns whether the queue is listing accounts for which there was no room.
    pub(super) fn is_refilling(&self) -> bool {
        self.refill.is_some()
    }

    /// Returns whether more accounts are due than there was room for.
    pub(super) fn is_overfull(&self) -> bool {
        self.refill.is_some() || self.unqueued > 0
    }

    /// Returns whether accounts of the last scan wait still.
    pub(super) fn is_behind(&self) -> bool {
        self.is_overfull() || self.pace.is_behind && self.len() > 0
    }

    pub(super) fn has_attention_room(&self) -> bool {
        self.attention.len() < PAGE
    }

    /// Resets the failures of a site whose token endpoint responded.
    pub(super) fn reset_failures(&mut self, site: &ProviderSite, now: Instant) {
        self.pauses.reset_failures(site, now);
    }

    /// Pauses a site. Returns the length of the pause if it is a new one.
    pub(super) fn pause(
        &mut self,
        site: &ProviderSite,
        retry_after: Duration,
        options: &Options,
        roll: f64,
        now: Instant,
    ) -> Option<Duration> {
        self.pauses.pause(site, retry_after, options, roll, now)
    }

    /// Returns when the pause of a site ends, if the provider has others: the accounts of a paused
    /// provider stay in the queue.
    fn site_pause(&self, site: &ProviderSite, now: Instant) -> Option<Instant> {
        if self.has_one_site {
            return None;
        }
        self.pauses.until(site, now)
    }

    /// Returns whether a site is paused whose accounts are queued, and lists them again when the
    /// pause ends.
    fn gives_up(&mut self, site: &ProviderSite, now: Instant) -> bool {
        let pause = self.site_pause(site, now);
        if let Some(until) = pause {
            let earlier = self.revisit.filter(|at| *at < until);
            self.revisit = earlier.or(Some(until));
        }
        pause.is_some()
    }

    /// Returns `at`, or the end of the provider's pause if it is later.
    fn unless_paused(&self, at: Instant) -> Instant {
        if !self.has_one_site {
            return at;
        }
        self.pauses.end().map_or(at, |end| end.max(at))
    }
}
