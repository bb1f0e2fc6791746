//! The due accounts of one provider: what is listed, claimed and visited.

mod candidates;
mod lanes;
mod pace;
mod pause;
mod refill;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use tokenkeeper_store::{Cursor, Key};
use tokio::time::Instant;

use self::{candidates::Candidates, lanes::Lanes, pace::Pace, pause::Pauses, refill::Refill};
use super::{
    visit::{FinishedVisit, Outcome, Visit},
    walk::{Listed, PAGE, PageKind, PageSummary},
};
use crate::{
    engine::{Core, ProviderSite},
    options::Options,
};

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

/// What a free lane is for.
pub(super) enum Start {
    /// A visit from its beginning.
    Visit(DueAccount),
    /// The rest of a visit whose read was slow.
    Refresh(Visit),
}

/// The accounts of one provider, from the listing to the end of a visit.
///
/// Due accounts are listed, claimed shortly before their visits, and visited. If more are due than
/// there is room for, the queue lists the rest itself as room becomes free.
pub(super) struct ProviderQueue {
    candidates: Candidates,
    claimed: VecDeque<DueAccount>,
    attention: VecDeque<DueAccount>,
    /// Visits that have read and wait for a lane.
    read: VecDeque<Visit>,
    /// The position of the due accounts for which there was no room.
    refill: Option<Refill>,
    /// The number of due accounts that a walk has seen and not queued.
    unqueued: usize,
    /// The same of the current walk.
    counted: usize,
    claims: Claims,
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

/// The claims of one provider in flight.
struct Claims {
    in_flight: usize,
    /// Those that the store does not answer soon.
    slow: usize,
    /// The share of claimed accounts that were asked for, as a moving average: other workers claim
    /// the rest.
    share: f64,
}

impl ProviderQueue {
    pub(super) fn new(concurrency: usize, has_one_site: bool, now: Instant) -> Self {
        Self {
            candidates: Candidates::new(concurrency),
            claimed: VecDeque::new(),
            attention: VecDeque::new(),
            read: VecDeque::new(),
            refill: None,
            unqueued: 0,
            counted: 0,
            claims: Claims {
                in_flight: 0,
                slow: 0,
                share: 1.0,
            },
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
        self.candidates.len() + self.claimed.len() + self.attention.len()
    }

    pub(super) fn in_flight(&self) -> usize {
        self.lanes.in_flight() + self.read.len()
    }

    /// Returns the known account that waits longest.
    pub(super) fn first(&self) -> Option<&DueAccount> {
        self.claimed.front().or_else(|| self.candidates.first())
    }

    /// Returns how many accounts are known to be due and wait for a visit.
    pub(super) fn due(&self) -> usize {
        let unqueued = self.unqueued.max(self.counted);
        self.candidates.len() + self.claimed.len() + unqueued
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

    // Listing.

    /// Offers a listed account of this provider, which has the index `index`. Returns whether it is
    /// queued.
    pub(super) fn offer(
        &mut self,
        mut account: DueAccount,
        listed: (PageKind, &Option<Cursor>),
        index: usize,
        now: Instant,
    ) -> bool {
        let (kind, at) = listed;
        if !self.has_one_site
            && let Some(until) = self.pauses.until(&account.site, now)
        {
            self.skip(until);
            self.counted += usize::from(kind == PageKind::Due { is_recent: false });
            return false;
        }
        let is_behind = self.refill.is_some();
        match kind {
            PageKind::Attention => {
                if !self.has_attention_room() {
                    return false;
                }
                self.note_new(now);
                self.attention.push_back(account);
                return true;
            }
            PageKind::Due { is_recent } if is_behind => {
                account.is_recent = is_recent;
                if !is_recent {
                    self.counted += 1;
                    return false;
                }
            }
            PageKind::Refill(other) if is_behind && other != index => return false,
            PageKind::Due { .. } | PageKind::Refill(_) => {}
        }
        if !self.candidates.has_room(account.is_recent) {
            if !is_behind {
                self.refill = Some(Refill::new(at.clone(), now));
                self.pace.hurry();
            }
            self.counted += usize::from(kind == PageKind::Due { is_recent: false });
            return false;
        }
        self.note_new(now);
        self.candidates.push(account);
        true
    }

    /// Prepares for another account in the queue.
    fn note_new(&mut self, now: Instant) {
        self.has_new = true;
        if self.len() == 0 {
            self.pace.resume(now);
        }
    }

    /// Spreads the waiting accounts over a scan interval, if a page has brought some.
    pub(super) fn spread(&mut self, scan_interval: Duration, now: Instant) {
        if std::mem::take(&mut self.has_new) {
            self.pace.spread(self.len(), scan_interval, now);
        }
    }

    /// Takes the beginning of a walk over all due accounts.
    pub(super) fn begin_walk(&mut self) {
        self.counted = 0;
    }

    /// Takes the end of a walk over all due accounts, or over the recent ones.
    pub(super) fn end_walk(&mut self, is_recent: bool) {
        self.pace.is_behind = self.len() > 0;
        if !is_recent {
            let counted = std::mem::take(&mut self.counted);
            // The queue may have caught up since they were counted.
            self.unqueued = if self.lists_again() { counted } else { 0 };
        }
    }

    /// Returns whether the queue is going to list accounts that it has not taken.
    fn lists_again(&self) -> bool {
        self.refill.is_some() || self.revisit.is_some()
    }

    /// Returns when the next page of the queue's own walk is listed.
    pub(super) fn refill_at(&self) -> Option<Instant> {
        let may_list = |refill: &Refill| !refill.is_listing && self.candidates.is_low();
        match &self.refill {
            Some(refill) => may_list(refill).then(|| self.unless_paused(self.begun)),
            None => self.revisit.filter(|_| self.candidates.is_low()),
        }
    }

    /// Starts to list the next page of the queue's own walk.
    pub(super) fn list_page(
        &mut self,
        core: &Arc<Core>,
        index: usize,
        now: Instant,
    ) -> BoxFuture<'static, Listed> {
        if self.revisit.is_some_and(|at| at <= now) {
            self.revisit = None;
        }
        let refill = self.refill.get_or_insert_with(|| Refill::new(None, now));
        refill.list_page(core, index, now)
    }

    /// Takes the end of a page of the queue's own walk.
    pub(super) fn end_refill(&mut self, page: &PageSummary) {
        self.unqueued = self.unqueued.saturating_sub(page.taken);
        if self
            .refill
            .as_mut()
            .is_some_and(|refill| refill.advance(page))
        {
            self.refill = None;
            if !self.lists_again() {
                self.unqueued = 0;
            }
        }
    }

    /// Restarts the queue's own walk at the head.
    pub(super) fn restart_refill(&mut self, now: Instant) {
        if self.refill.is_some() {
            self.refill = Some(Refill::new(None, now));
        }
    }

    // Claims.

    /// Returns when the next accounts are claimed.
    pub(super) fn claim_at(&self) -> Option<Instant> {
        let wanted = self.candidates.len() > 0
            && self.claims.in_flight == 0
            && self.claims.slow < MAX_SLOW_CLAIMS
            && self.claimed.len() <= self.starts_soon() / 2;
        let at = if self.refill.is_some() {
            self.begun
        } else {
            self.pace
                .next
                .checked_sub(CLAIMED_AHEAD)
                .unwrap_or(self.begun)
        };
        wanted.then(|| self.unless_paused(at))
    }

    /// Takes the accounts to claim next, and adds visits to `over` that do not happen because their
    /// site is paused.
    pub(super) fn start_claim(
        &mut self,
        now: Instant,
        over: &mut Vec<FinishedVisit>,
    ) -> Vec<DueAccount> {
        let wanted = self.starts_soon().saturating_sub(self.claimed.len()).max(1);
        // Other workers claim some of them.
        let count = (wanted as f64 / self.claims.share) as usize;
        let count = count.clamp(1, wanted.max(MAX_CLAIM));
        let mut chosen = Vec::new();
        while chosen.len() < count
            && let Some(account) = self.candidates.pop()
        {
            if self.gives_up(&account.site, now) {
                over.push(account.give_up());
            } else {
                chosen.push(account);
            }
        }
        self.claims.in_flight += usize::from(!chosen.is_empty());
        chosen
    }

    /// Lets other accounts be claimed while the store is slow with a claim.
    pub(super) fn note_slow_claim(&mut self) {
        self.claims.in_flight -= 1;
        self.claims.slow += 1;
    }

    /// Takes the accounts that were claimed, of `asked` ones.
    pub(super) fn end_claim(&mut self, claimed: Vec<DueAccount>, asked: usize, was_slow: bool) {
        if was_slow {
            self.claims.slow -= 1;
        } else {
            self.claims.in_flight -= 1;
        }
        let share = claimed.len() as f64 / asked.max(1) as f64;
        self.claims.share = (self.claims.share * 0.75 + share * 0.25).max(0.05);
        self.claimed.extend(claimed);
    }

    fn starts_soon(&self) -> usize {
        let soon = self.lanes.starts_soon();
        if self.refill.is_some() {
            return soon;
        }
        soon.min(self.pace.starts_within(CLAIMED_AHEAD)).max(1)
    }

    // Visits.

    /// Returns when the next visit starts, if a lane is free.
    pub(super) fn start_at(&self) -> Option<Instant> {
        if !self.lanes.has_free() {
            return None;
        }
        if !self.read.is_empty() {
            return Some(self.unless_paused(self.begun));
        }
        let waits = !self.claimed.is_empty() || !self.attention.is_empty();
        if !waits || !self.lanes.admit_another() {
            return None;
        }
        let at = if self.refill.is_some() {
            self.begun
        } else {
            self.pace.next
        };
        Some(self.unless_paused(at))
    }

    /// Takes the next visit, which holds a lane, and adds visits to `over` that do not happen
    /// because their site is paused.
    pub(super) fn start(&mut self, now: Instant, over: &mut Vec<FinishedVisit>) -> Option<Start> {
        while let Some(visit) = self.read.pop_front() {
            if self.gives_up(&visit.account.site, now) {
                over.push(visit.finish(Outcome::GivenUp, None));
                continue;
            }
            self.lanes.take();
            return Some(Start::Refresh(visit));
        }
        while let Some(account) = self.next_account() {
            if self.gives_up(&account.site, now) {
                over.push(account.give_up());
                continue;
            }
            self.lanes.take();
            self.pace.start(self.len());
            return Some(Start::Visit(account));
        }
        None
    }

    /// Takes a claimed account or, now and then, one that only needs attention.
    fn next_account(&mut self) -> Option<DueAccount> {
        self.turn = self.turn.wrapping_add(1);
        let (first, second) = if self.turn.is_multiple_of(4) {
            (&mut self.attention, &mut self.claimed)
        } else {
            (&mut self.claimed, &mut self.attention)
        };
        first.pop_front().or_else(|| second.pop_front())
    }

    /// Returns whether a site is paused whose accounts were in the queue already, and lists them
    /// again when the pause ends.
    pub(super) fn gives_up(&mut self, site: &ProviderSite, now: Instant) -> bool {
        let pause = self.site_pause(site, now);
        if let Some(until) = pause {
            self.skip(until);
        }
        pause.is_some()
    }

    /// Lends the lane of a visit while the store is slow with its read.
    pub(super) fn lend_lane(&mut self) {
        self.lanes.lend();
    }

    /// Takes a visit whose slow read has ended; `None` if the visit is over.
    pub(super) fn end_slow_read(&mut self, visit: Option<Visit>) {
        self.lanes.stop_waiting();
        self.read.extend(visit);
    }

    /// Takes the end of a visit that held a lane for this time.
    pub(super) fn end_visit(&mut self, held_for: Duration) {
        self.lanes.give_back(held_for);
    }

    // Pauses.

    /// Resets the failures of a site whose token endpoint responded.
    pub(super) fn reset_failures(&mut self, site: &ProviderSite) {
        self.pauses.reset_failures(site);
    }

    /// Pauses a site. Returns whether the pause is a new one.
    pub(super) fn pause(
        &mut self,
        site: &ProviderSite,
        retry_after: Duration,
        options: &Options,
        roll: f64,
        now: Instant,
    ) -> bool {
        self.pauses.pause(site, retry_after, options, roll, now)
    }

    /// Returns when the pause of a site ends, if the provider has others: the accounts of a paused
    /// provider stay in the queue.
    fn site_pause(&self, site: &ProviderSite, now: Instant) -> Option<Instant> {
        let until = self.pauses.until(site, now);
        until.filter(|_| !self.has_one_site)
    }

    /// Lists the due accounts again from the head when a pause ends.
    fn skip(&mut self, until: Instant) {
        let earlier = self.revisit.filter(|at| *at < until);
        self.revisit = earlier.or(Some(until));
    }

    /// Returns `at`, or the end of the provider's pause if it is later.
    fn unless_paused(&self, at: Instant) -> Instant {
        let end = self.pauses.end().filter(|_| self.has_one_site);
        end.map_or(at, |end| end.max(at))
    }
}

/// How long before their visits accounts are claimed, if the provider has no backlog.
const CLAIMED_AHEAD: Duration = Duration::from_millis(250);

/// The maximum number of accounts in a claim, unless more start soon.
const MAX_CLAIM: usize = 64;

/// The maximum number of claims that wait for a slow store.
const MAX_SLOW_CLAIMS: usize = 16;
