//! The listed accounts of one provider that no worker has claimed yet.

use std::collections::VecDeque;

use super::DueAccount;
use crate::refresher::page::PAGE;

/// The due accounts of a provider that this worker may claim, in the order of their listing.
pub(super) struct Candidates {
    /// From the earliest due account on.
    listed: VecDeque<DueAccount>,
    /// Accounts that became due behind a backlog.
    recent: VecDeque<DueAccount>,
    /// With fewer listed accounts, more are wanted.
    low: usize,
    /// Whether the next account comes from the recent ones.
    takes_recent: bool,
}

impl Candidates {
    /// Returns room for a page and for what is started while the page is listed.
    pub(super) fn new(concurrency: usize) -> Self {
        Self {
            listed: VecDeque::new(),
            recent: VecDeque::new(),
            low: concurrency.max(PAGE / 2),
            takes_recent: false,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.listed.len() + self.recent.len()
    }

    /// Returns the account that waits longest.
    pub(super) fn first(&self) -> Option<&DueAccount> {
        self.listed.front().or_else(|| self.recent.front())
    }

    /// Returns whether accounts wait that are not recent.
    pub(super) fn has_listed(&self) -> bool {
        !self.listed.is_empty()
    }

    pub(super) fn is_low(&self) -> bool {
        self.listed.len() < self.low
    }

    pub(super) fn has_room(&self, recent: bool) -> bool {
        if recent {
            self.recent.len() < PAGE
        } else {
            self.listed.len() < self.low + PAGE
        }
    }

    pub(super) fn push(&mut self, account: DueAccount) {
        if account.is_recent {
            self.recent.push_back(account);
        } else {
            self.listed.push_back(account);
        }
    }

    /// Takes the next account: by turns the earliest, which is overdue, and a recent one, which is
    /// still in time.
    pub(super) fn pop(&mut self) -> Option<DueAccount> {
        let (first, second) = if self.takes_recent {
            (&mut self.recent, &mut self.listed)
        } else {
            (&mut self.listed, &mut self.recent)
        };
        self.takes_recent = !self.takes_recent;
        first.pop_front().or_else(|| second.pop_front())
    }
}
