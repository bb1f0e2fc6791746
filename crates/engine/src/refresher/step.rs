//! The calls of a running refresher in flight, and what becomes of them.

use std::{collections::HashSet, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use tokenkeeper_store::{Key, StoreError};
use tokio::time::Instant;

use super::{
    page::Listed,
    queue::DueAccount,
    visit::{FinishedVisit, Visit},
};
use crate::engine::Core;

/// The next step of a call in flight.
pub(super) type StepFuture = BoxFuture<'static, Step>;

/// A result of a call in flight, for the queue with the index `queue`.
pub(super) enum Step {
    /// A page was listed.
    Listed(Listed),
    /// The store does not answer a claim soon.
    SlowClaim { queue: usize, rest: ClaimFuture },
    /// A claim has ended.
    Claimed {
        queue: usize,
        claim: Claim,
        was_slow: bool,
    },
    /// The store does not answer the read of a visit soon.
    SlowRead { queue: usize, rest: ReadFuture },
    /// A slow read has ended.
    Read {
        queue: usize,
        read: Result<Visit, FinishedVisit>,
    },
    /// A visit has ended that held a lane for this time.
    Finished {
        queue: usize,
        visit: FinishedVisit,
        held_for: Duration,
    },
}

/// A claim in flight.
pub(super) type ClaimFuture = BoxFuture<'static, Claim>;

/// A read in flight.
pub(super) type ReadFuture = BoxFuture<'static, Result<Visit, FinishedVisit>>;

/// The result of a claim.
pub(super) struct Claim {
    pub(super) claimed: Vec<DueAccount>,
    /// Accounts that another worker has, or whose part of the store fails.
    pub(super) others: Vec<DueAccount>,
    pub(super) error: Option<StoreError>,
}

/// Claims accounts for this worker.
pub(super) fn claim(core: &Arc<Core>, queue: usize, accounts: Vec<DueAccount>) -> StepFuture {
    let core = core.clone();
    Box::pin(async move {
        let rest: ClaimFuture = Box::pin(ask(core, accounts));
        match soon(rest).await {
            Ok(claim) => Step::Claimed {
                queue,
                claim,
                was_slow: false,
            },
            Err(rest) => Step::SlowClaim { queue, rest },
        }
    })
}

/// Waits for a slow claim.
pub(super) fn slow_claim(queue: usize, rest: ClaimFuture) -> StepFuture {
    Box::pin(async move {
        Step::Claimed {
            queue,
            claim: rest.await,
            was_slow: true,
        }
    })
}

async fn ask(core: Arc<Core>, accounts: Vec<DueAccount>) -> Claim {
    let keys: Vec<Key> = accounts.iter().map(|account| account.key.clone()).collect();
    let call = core.store.claim(&keys, core.time.wall_time(), CLAIM_TIME);
    let answer = match tokio::time::timeout(core.options.lease / 4, call).await {
        Ok(answer) => answer,
        Err(elapsed) => Err(StoreError::unavailable(elapsed)),
    };
    let (claimed, error) = match answer {
        Ok(claimed) => (claimed, None),
        // Then workers read accounts that others have refreshed.
        Err(StoreError::Unsupported(_)) => (keys, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    let claimed: HashSet<Key> = claimed.into_iter().collect();
    let is_claimed = |account: &DueAccount| claimed.contains(&account.key);
    let (claimed, others) = accounts.into_iter().partition(is_claimed);
    Claim {
        claimed,
        others,
        error,
    }
}

/// Visits an account from the beginning.
pub(super) fn visit(core: &Arc<Core>, queue: usize, account: DueAccount) -> StepFuture {
    let core = core.clone();
    Box::pin(async move {
        let began = Instant::now();
        let finished = |visit| Step::Finished {
            queue,
            visit,
            held_for: began.elapsed(),
        };
        let visit = match Visit::begin(&core, account) {
            Ok(visit) => visit,
            Err(visit) => return finished(visit),
        };
        let rest: ReadFuture = Box::pin(visit.read(core.clone()));
        match soon(rest).await {
            Ok(Ok(visit)) => finished(visit.refresh(core).await),
            Ok(Err(visit)) => finished(visit),
            Err(rest) => Step::SlowRead { queue, rest },
        }
    })
}

/// Waits for the slow read of a visit.
pub(super) fn slow_read(queue: usize, rest: ReadFuture) -> StepFuture {
    Box::pin(async move {
        Step::Read {
            queue,
            read: rest.await,
        }
    })
}

/// Visits an account that was read.
pub(super) fn refresh(core: &Arc<Core>, queue: usize, visit: Visit) -> StepFuture {
    let core = core.clone();
    Box::pin(async move {
        let began = Instant::now();
        Step::Finished {
            queue,
            visit: visit.refresh(core).await,
            held_for: began.elapsed(),
        }
    })
}

/// Waits for a call, but only as long as a store usually takes; `Err` has the call in flight.
async fn soon<T>(mut call: BoxFuture<'static, T>) -> Result<T, BoxFuture<'static, T>> {
    let answer = tokio::time::timeout(SOON, &mut call).await;
    answer.map_err(|_| call)
}

/// How long a call to the store may take before it counts as slow.
const SOON: Duration = Duration::from_millis(250);

/// How long a claim lasts: longer than the visit that it is for usually takes to begin, which ends
/// it by a write. An account whose visit fails is listed again after it.
pub(super) const CLAIM_TIME: Duration = Duration::from_secs(30);
