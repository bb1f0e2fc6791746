//! Claims accounts shortly before their visits.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use super::{DueAccount, ProviderQueue};
use crate::refresher::visit::FinishedVisit;

/// The claims of one provider.
pub(super) struct Claims {
    /// Claimed accounts that wait for a visit.
    pub(super) accounts: VecDeque<DueAccount>,
    in_flight: usize,
    /// Those that the store does not answer soon.
    slow: usize,
    /// The share of the accounts that were asked for, as a moving average: other workers claim the
    /// rest.
    share: f64,
}

impl Claims {
    pub(super) fn new() -> Self {
        Self {
            accounts: VecDeque::new(),
            in_flight: 0,
            slow: 0,
            share: 1.0,
        }
    }
}

impl ProviderQueue {
    /// Returns when the next accounts are claimed.
    pub(in crate::refresher) fn claim_at(&self) -> Option<Instant> {
        let wanted = self.candidates.len() > 0
            && self.claims.in_flight == 0
            && self.claims.slow < MAX_SLOW_CLAIMS
            && self.claims.accounts.len() <= self.starts_soon() / 2;
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
    pub(in crate::refresher) fn start_claim(
        &mut self,
        now: Instant,
        over: &mut Vec<FinishedVisit>,
    ) -> Vec<DueAccount> {
        let wanted = self
            .starts_soon()
            .saturating_sub(self.claims.accounts.len())
            .max(1);
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
    pub(in crate::refresher) fn note_slow_claim(&mut self) {
        self.claims.in_flight -= 1;
        self.claims.slow += 1;
    }

    /// Takes the accounts that were claimed, of `asked` ones, which is zero if the claim failed.
    pub(in crate::refresher) fn end_claim(
        &mut self,
        claimed: Vec<DueAccount>,
        asked: usize,
        was_slow: bool,
    ) {
        if was_slow {
            self.claims.slow -= 1;
        } else {
            self.claims.in_flight -= 1;
        }
        if asked > 0 {
            let share = claimed.len() as f64 / asked as f64;
            self.claims.share = (self.claims.share * 0.75 + share * 0.25).max(MIN_SHARE);
        }
        self.claims.accounts.extend(claimed);
    }

    fn starts_soon(&self) -> usize {
        let soon = self.lanes.starts_soon();
        if self.refill.is_some() {
            return soon;
        }
        soon.min(self.pace.starts_within(CLAIMED_AHEAD)).max(1)
    }
}

/// How long before their visits accounts are claimed, if the provider has no backlog.
const CLAIMED_AHEAD: Duration = Duration::from_millis(250);

/// The maximum number of accounts in a claim, unless more start soon.
const MAX_CLAIM: usize = 64;

/// The maximum number of claims that wait for a slow store.
const MAX_SLOW_CLAIMS: usize = 16;

/// The least share that is expected: with more workers, each claim asks for at most 20 accounts for
/// each one that it wants.
const MIN_SHARE: f64 = 0.05;
