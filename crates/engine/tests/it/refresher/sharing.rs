//! How several refreshers share a burst of due accounts.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::join_all;
use http::{Request, Response};
use tokenkeeper_engine::{Accounts, RequestBody, Transport, TransportError};

use super::{
    fleet::{Fleet, StrictProvider},
    parts::PartedStore,
    run,
};
use crate::harness::{MINUTE, SECOND};

/// A process among others: its engine, its view of the store, and its requests.
struct Process {
    accounts: Accounts,
    store: Arc<PartedStore>,
    requests: Arc<CountedTransport>,
}

/// Counts the requests of one process.
#[derive(Debug)]
struct CountedTransport {
    provider: Arc<StrictProvider>,
    requests: AtomicUsize,
}

#[async_trait]
impl Transport for CountedTransport {
    async fn send(
        &self,
        request: Request<RequestBody>,
        deadline: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        self.requests.fetch_add(1, Ordering::SeqCst);
        self.provider.send(request, deadline).await
    }
}

impl Process {
    fn new(fleet: &Fleet, claims: bool) -> Self {
        let mut store = PartedStore::new(&fleet.store);
        store.claims = claims;
        let store = Arc::new(store);
        let requests = Arc::new(CountedTransport {
            provider: fleet.provider.clone(),
            requests: AtomicUsize::new(0),
        });
        let builder = fleet.builder_on(store.clone());
        Self {
            accounts: builder.transport(requests.clone()).build().unwrap(),
            store,
            requests,
        }
    }

    fn requests(&self) -> usize {
        self.requests.requests.load(Ordering::SeqCst)
    }
}

/// Lets this many workers refresh overdue accounts, and returns the processes.
async fn share(accounts: u32, workers: u32, claims: bool) -> Vec<Process> {
    let fleet = Fleet::connect(accounts, MINUTE).await;
    tokio::time::advance(55 * MINUTE).await;
    fleet.provider.answer_after(SECOND / 10);
    let processes: Vec<_> = (0..workers).map(|_| Process::new(&fleet, claims)).collect();
    let ideal = SECOND * accounts / 80 / workers;
    // Without claims, workers wait for each other's attempts.
    let time = ideal.mul_f64(if claims { 1.15 } else { 2.0 }) + SECOND;
    join_all(
        processes
            .iter()
            .map(|process| run(process.accounts.refresher(), time)),
    )
    .await;
    fleet
        .provider
        .seen(|seen| assert_eq!((seen.refreshed, seen.refused), (accounts, 0)));
    processes
}

/// Asserts that each worker has about the same share, and that the store is asked little more than
/// it is for one worker.
fn assert_shared(accounts: u32, processes: &[Process]) {
    let mean = accounts as usize / processes.len();
    let requests: Vec<_> = processes.iter().map(Process::requests).collect();
    let even = requests
        .iter()
        .all(|n| (mean / 2..mean * 3 / 2).contains(n));
    assert!(even, "{requests:?}");
    let sum = |count: fn(&PartedStore) -> &AtomicUsize| -> usize {
        let counts = processes.iter().map(|process| count(&process.store));
        counts.map(|count| count.load(Ordering::SeqCst)).sum()
    };
    let (gets, claims, lists) = (
        sum(|store| &store.gets),
        sum(|store| &store.claim_calls),
        sum(|store| &store.lists),
    );
    println!("{accounts} accounts: {gets} reads, {claims} claims, {lists} pages");
    assert!(gets * 10 <= accounts as usize * 12, "{gets} reads");
    assert!(claims * 2 <= accounts as usize, "{claims} claims");
    assert!(lists * 4 <= accounts as usize, "{lists} pages");
}

#[tokio::test(start_paused = true)]
async fn four_workers_read_each_account_about_once() {
    let processes = share(1000, 4, true).await;
    assert_shared(1000, &processes);
}

#[tokio::test(start_paused = true)]
async fn sixteen_workers_read_each_account_about_once() {
    let processes = share(1600, 16, true).await;
    assert_shared(1600, &processes);
}

#[tokio::test(start_paused = true)]
async fn workers_without_claims_refresh_each_account_once() {
    let processes = share(600, 3, false).await;
    let requests: usize = processes.iter().map(Process::requests).sum();
    assert_eq!(requests, 600);
}

#[tokio::test(start_paused = true)]
async fn a_worker_finishes_what_one_that_stops_has_claimed() {
    let fleet = Fleet::connect(600, MINUTE).await;
    tokio::time::advance(55 * MINUTE).await;
    fleet.provider.answer_after(SECOND);
    let (stopped, other) = (fleet.process(), fleet.process());
    tokio::join!(
        run(stopped.refresher(), 10 * SECOND),
        run(other.refresher(), 3 * MINUTE),
    );
    fleet
        .provider
        .seen(|seen| assert_eq!((seen.refreshed, seen.refused), (600, 0)));
}
