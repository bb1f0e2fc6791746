//! Takes listed accounts, and lists those for which there was no room.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use tokenkeeper_store::Filter;
use tokio::time::Instant;

use super::{DueAccount, ProviderQueue, refill::Refill};
use crate::{
    engine::Core,
    refresher::page::{Listed, PageKind, PageSummary, Position},
};

impl ProviderQueue {
    /// Offers an account of this provider, which was listed in a page of this kind at `at`. Returns
    /// whether it is queued.
    pub(in crate::refresher) fn offer(
        &mut self,
        mut account: DueAccount,
        kind: PageKind,
        at: &Position,
        now: Instant,
    ) -> bool {
        if self.gives_up(&account.site, now) {
            self.count(kind);
            return false;
        }
        match kind {
            PageKind::Attention => {
                let has_room = self.has_attention_room();
                if has_room {
                    self.note_new(now);
                    self.attention.push_back(account);
                }
                return has_room;
            }
            PageKind::Due { is_recent } => {
                account.is_recent = self.brings_recent;
                let leaves_to_refill = !(is_recent && self.brings_recent);
                if self.refill.is_some() && leaves_to_refill {
                    self.count(kind);
                    return false;
                }
            }
            PageKind::Refill(_) => {}
        }
        if self.candidates.has_room(account.is_recent) {
            self.note_new(now);
            self.candidates.push(account);
            return true;
        }
        self.count(kind);
        match &mut self.refill {
            Some(refill) if account.is_recent => refill.note_missed(at.filter),
            Some(_) => {}
            None => {
                self.refill = Some(Refill::new(at.clone(), now));
                self.pace.hurry();
            }
        }
        false
    }

    /// Counts a due account that a walk from the head leaves.
    fn count(&mut self, kind: PageKind) {
        self.counted += usize::from(kind == PageKind::Due { is_recent: false });
    }

    /// Prepares for another account in the queue.
    fn note_new(&mut self, now: Instant) {
        self.has_new = true;
        if self.len() == 0 {
            self.pace.resume(now);
        }
    }

    /// Spreads the waiting accounts over a scan interval, if a page has brought some.
    pub(in crate::refresher) fn spread(&mut self, scan_interval: Duration, now: Instant) {
        if std::mem::take(&mut self.has_new) {
            self.pace.spread(self.len(), scan_interval, now);
        }
    }

    /// Takes the beginning of a walk over due accounts.
    pub(in crate::refresher) fn begin_walk(&mut self) {
        self.counted = 0;
        self.brings_recent = self.refill.is_some() || self.candidates.has_listed();
    }

    /// Takes the end of a walk over all due accounts, or over the recent ones.
    pub(in crate::refresher) fn end_walk(&mut self, is_recent: bool) {
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
    pub(in crate::refresher) fn refill_at(&self) -> Option<Instant> {
        if !self.candidates.is_low() {
            return None;
        }
        let at = match &self.refill {
            Some(refill) => refill.next(),
            None => self.revisit,
        };
        at.map(|at| self.unless_paused(at))
    }

    /// Starts to list the next page of the queue's own walk. `offered`: the accounts that a walk
    /// over all due accounts has offered.
    pub(in crate::refresher) fn list_page(
        &mut self,
        core: &Arc<Core>,
        index: usize,
        offered: Filter,
        now: Instant,
    ) -> BoxFuture<'static, Listed> {
        if self.revisit.is_some_and(|at| at <= now) {
            self.revisit = None;
        }
        let new = || Refill::new(Position::head(offered), now);
        let refill = self.refill.get_or_insert_with(new);
        refill.list_page(core, index, offered, now)
    }

    /// Takes the end of a page of the queue's own walk.
    pub(in crate::refresher) fn end_refill(&mut self, page: &PageSummary, now: Instant) {
        self.unqueued = self.unqueued.saturating_sub(page.taken);
        let ends = |refill: &mut Refill| refill.advance(page, now);
        if self.refill.as_mut().is_some_and(ends) {
            self.refill = None;
            if self.revisit.is_none() {
                self.unqueued = 0;
            }
        }
    }

    /// Restarts the queue's own walk at the head.
    pub(in crate::refresher) fn restart_refill(&mut self, offered: Filter, now: Instant) {
        if let Some(refill) = &mut self.refill {
            refill.restart(offered, now);
        }
    }
}
