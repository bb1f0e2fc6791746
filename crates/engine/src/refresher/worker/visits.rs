//! Claims accounts and visits them.

use std::{hash::BuildHasher as _, time::Duration};

use tokenkeeper_protocol::Provider as _;
use tokenkeeper_store::{ErrorChain, Key};
use tokio::time::Instant;

use super::Worker;
use crate::{
    engine::{Core, ProviderSite, store_health::Call},
    error::Error,
    refresher::{
        queue::Start,
        step::{self, CLAIM_TIME, Claim, ClaimFuture, ReadFuture},
        visit::{FinishedVisit, Outcome, Visit},
    },
};

impl Worker {
    /// Starts the claims that are due. Returns the time of the next one.
    pub(super) fn start_claims(&mut self, now: Instant) -> Option<Instant> {
        let (mut next, mut over) = (None, Vec::new());
        for (index, queue) in self.queues.iter_mut().enumerate() {
            while let Some(at) = queue.claim_at().map(|at| at.max(self.backoffs.claim.until)) {
                if at > now {
                    next = next.into_iter().chain([at]).min();
                    break;
                }
                let accounts = queue.start_claim(now, &mut over);
                if !accounts.is_empty() {
                    self.steps.push(step::claim(&self.core, index, accounts));
                }
            }
        }
        self.drop_visits(over);
        next
    }

    pub(super) fn handle_slow_claim(&mut self, index: usize, rest: ClaimFuture) {
        self.queues[index].note_slow_claim();
        self.steps.push(step::slow_claim(index, rest));
    }

    /// Queues the claimed accounts.
    pub(super) fn handle_claim(&mut self, index: usize, claim: Claim, was_slow: bool) {
        let (now, time) = (Instant::now(), self.core.time.now());
        for account in &claim.others {
            self.pending.remove(&account.key);
        }
        let asked = match claim.error {
            None => claim.claimed.len() + claim.others.len(),
            Some(_) => 0,
        };
        self.queues[index].end_claim(claim.claimed, asked, was_slow);
        let health = &self.core.store_health;
        let Some(error) = claim.error else {
            self.backoffs.claim.reset();
            health.note_success(Call::Write, time);
            return;
        };
        health.note_failure(Call::Write, &error, time);
        for account in claim.others {
            self.park(&account.key, now + CLAIM_TIME);
        }
        self.backoffs.claim.extend(&self.core, now);
    }

    /// Starts visits on the free lanes. Returns the time of the next start.
    pub(super) fn start_visits(&mut self, now: Instant) -> Option<Instant> {
        let (mut next, mut over) = (None, Vec::new());
        for index in 0..self.queues.len() {
            let backoff = self.backoffs.record.until;
            let queue = &mut self.queues[index];
            while let Some(at) = queue.start_at().map(|at| at.max(backoff)) {
                if at > now {
                    next = next.into_iter().chain([at]).min();
                    break;
                }
                let Some(start) = queue.start(now, &mut over) else {
                    break;
                };
                self.steps.push(match start {
                    Start::Visit(account) => step::visit(&self.core, index, account),
                    Start::Refresh(visit) => step::refresh(&self.core, index, visit),
                });
            }
            self.status.note_in_flight(index, queue.in_flight());
        }
        self.drop_visits(over);
        next
    }

    /// Forgets visits that do not happen.
    fn drop_visits(&mut self, over: Vec<FinishedVisit>) {
        for visit in over {
            self.pending.remove(&visit.account.key);
            self.temporary.extend(visit.temporary);
        }
    }

    /// Lends the lane of a visit to another one.
    pub(super) fn handle_slow_read(&mut self, index: usize, rest: ReadFuture) {
        self.queues[index].lend_lane();
        self.steps.push(step::slow_read(index, rest));
    }

    /// Lets a visit wait for a lane, unless it is over.
    pub(super) fn handle_read(&mut self, index: usize, read: Result<Visit, FinishedVisit>) {
        match read {
            Ok(visit) => self.queues[index].end_slow_read(Some(visit)),
            Err(visit) => {
                self.queues[index].end_slow_read(None);
                self.finish_visit(index, visit);
            }
        }
    }

    /// Updates queues, pauses and backoffs after a visit.
    pub(super) fn finish_visit(&mut self, index: usize, visit: FinishedVisit) {
        let now = Instant::now();
        let FinishedVisit {
            account,
            outcome,
            due_at,
            temporary,
        } = visit;
        self.pending.remove(&account.key);
        self.temporary.extend(temporary);
        if let Some(due_at) = due_at.filter(|_| account.due && !account.is_recent) {
            self.status.note_reached(index, due_at);
        }
        let (core, queue) = (&self.core, &mut self.queues[index]);
        match outcome {
            Outcome::StoreFailed => {
                // It says little about the other accounts.
                self.backoffs.record.extend(core, now);
                self.park(&account.key, now + CLAIM_TIME);
                return self.report(index, now);
            }
            Outcome::Nothing | Outcome::GivenUp => {}
            Outcome::Responded => {
                queue.reset_failures(&account.site, now);
                log_resumption(core, &account.site);
            }
            Outcome::Paused(retry_after, error) => {
                let roll = core.random.roll();
                let pause = queue.pause(&account.site, retry_after, &core.options, roll, now);
                if let Some(pause) = pause {
                    log_pause(core, &account.site, pause, &error);
                }
            }
            Outcome::Unrefreshable => {
                self.park(&account.key, now + PARKING_TIME);
            }
        }
        self.backoffs.record.reset();
        self.report(index, now);
    }

    /// Skips an account in listings until this time.
    fn park(&mut self, key: &Key, until: Instant) {
        self.parked.insert(self.order.hash_one(key), until);
    }
}

/// Logs that the refresher leaves a site alone, once until it responds again.
fn log_pause(core: &Core, site: &ProviderSite, pause: Duration, error: &Error) {
    if site.pauses.note_failure(core.time.now()) {
        tracing::warn!(
            provider = site.provider.brand(),
            site = site.site.as_str(),
            ?pause,
            error = %ErrorChain::of(error),
            "the refresher pauses a provider; further pauses are counted"
        );
    }
}

/// Logs that a site responds again.
fn log_resumption(core: &Core, site: &ProviderSite) {
    if let Some(ended) = site.pauses.note_success(core.time.now()) {
        let (pauses, lasted) = (ended.failures, ended.lasted);
        tracing::info!(
            provider = site.provider.brand(),
            site = site.site.as_str(),
            pauses,
            ?lasted,
            "the refresher no longer pauses a provider"
        );
    }
}

/// How long an account that cannot be refreshed is skipped.
const PARKING_TIME: Duration = Duration::from_secs(60 * 60);
