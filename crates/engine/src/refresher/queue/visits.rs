//! Starts visits on the free lanes.

use std::time::Duration;

use tokio::time::Instant;

use super::{DueAccount, ProviderQueue};
use crate::refresher::visit::{FinishedVisit, Outcome, Visit};

/// What a free lane is for.
pub(in crate::refresher) enum Start {
    /// A visit from its beginning.
    Visit(DueAccount),
    /// The rest of a visit whose read was slow.
    Refresh(Visit),
}

impl ProviderQueue {
    /// Returns when the next visit starts, if a lane is free.
    pub(in crate::refresher) fn start_at(&self) -> Option<Instant> {
        if !self.lanes.has_free() {
            return None;
        }
        if !self.read.is_empty() {
            return Some(self.unless_paused(self.begun));
        }
        let waits = !self.claims.accounts.is_empty() || !self.attention.is_empty();
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
    pub(in crate::refresher) fn start(
        &mut self,
        now: Instant,
        over: &mut Vec<FinishedVisit>,
    ) -> Option<Start> {
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
            (&mut self.attention, &mut self.claims.accounts)
        } else {
            (&mut self.claims.accounts, &mut self.attention)
        };
        first.pop_front().or_else(|| second.pop_front())
    }

    /// Lends the lane of a visit while the store is slow with its read.
    pub(in crate::refresher) fn lend_lane(&mut self) {
        self.lanes.lend();
    }

    /// Takes a visit whose slow read has ended; `None` if the visit is over.
    pub(in crate::refresher) fn end_slow_read(&mut self, visit: Option<Visit>) {
        self.lanes.stop_waiting();
        self.read.extend(visit);
    }

    /// Takes the end of a visit that held a lane for this time.
    pub(in crate::refresher) fn end_visit(&mut self, held_for: Duration) {
        self.lanes.give_back(held_for);
    }
}
