//! One of a cluster's three masters is killed while accounts on all of them are due.

use std::{future::ready, ops::Range, sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream};
use tokenkeeper_benches::NoTransport;
use tokenkeeper_engine::store::TokenStore;
use tokio::time::Instant;

use crate::{
    burst::{ideal_rate, longest_pause, wait_for},
    fill::{Batch, Due, FIRST, engine, fill, subject},
    provider::Provider,
    testbed::{Kind, Testbed, open},
    worker::{Job, Role, Workers},
};

/// A burst that meets a cluster without one of its masters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outage {
    pub(crate) backlog: usize,
    pub(crate) workers: usize,
    /// The number of refreshes at once in a worker.
    pub(crate) concurrency: usize,
    /// How long the endpoint takes for a refresh.
    pub(crate) latency: Duration,
}

/// What an outage cost the accounts of the living masters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    pub(crate) living: usize,
    pub(crate) refreshed: usize,
    pub(crate) took: Duration,
    /// The time of the same workers without a refresher, with all masters alive.
    pub(crate) ideal: Duration,
    pub(crate) longest_pause: Duration,
    pub(crate) repeated: usize,
}

impl Outage {
    /// Measures the outage; `None` where Redis is not installed.
    pub(crate) async fn run(self, provider: &Provider) -> Option<Outcome> {
        eprintln!("--- {self:?}");
        let mut testbed = Testbed::start(Kind::Cluster).await?;
        let endpoint = format!("http://{}", provider.address);
        let sample = (self.backlog / 4).clamp(40, 2_000);
        let backlog = sample..sample + self.backlog;
        provider.reset(backlog.end, self.latency);
        let job = Job {
            role: Role::Ideal { accounts: sample },
            store: testbed.store.clone(),
            endpoint: endpoint.clone(),
            concurrency: self.concurrency,
            workers: self.workers,
        };
        let ideal_rate = ideal_rate(provider, &job).await;
        let batch = Batch {
            brand: FIRST,
            from: backlog.start,
            count: backlog.len(),
            due: Due::Now,
        };
        fill(&testbed.store, &endpoint, &[batch]).await;
        let role = Role::Refresher;
        let mut workers = Workers::start(&Job { role, ..job }).await;
        // It knows the cluster before the outage, as the workers do.
        let store = open(&testbed.store, Duration::from_secs(2)).await;
        testbed.kill_one().await;
        let living = living(store, &endpoint, backlog).await;
        let ideal = Duration::from_secs_f64(living as f64 / ideal_rate);

        let start = Instant::now();
        workers.go().await;
        let deadline = start + ideal * 3 + Duration::from_secs(20);
        wait_for(provider, sample + living, deadline).await;
        workers.stop().await;
        let refreshes = provider.refreshes().split_off(sample);
        let last = refreshes.last().map_or(start, |refresh| refresh.at);
        Some(Outcome {
            living,
            refreshed: refreshes.len(),
            took: last - start,
            ideal,
            longest_pause: longest_pause(start, refreshes.iter().map(|refresh| refresh.at)),
            repeated: provider.repeated(),
        })
    }
}

/// Counts the accounts that the store can read.
async fn living(store: Arc<dyn TokenStore>, endpoint: &str, accounts: Range<usize>) -> usize {
    let engine = engine(store.clone(), endpoint, 0, NoTransport);
    let reads = accounts.map(|account| {
        let account = engine.account(FIRST, &subject(account));
        let key = account.expect("the subject is not empty").key();
        let store = store.clone();
        async move {
            // One read may meet a connection that ends, or a busy machine.
            for _ in 0..3 {
                if matches!(store.get(&key).await, Ok(Some(_))) {
                    return true;
                }
            }
            false
        }
    });
    let reads = stream::iter(reads).buffer_unordered(64);
    reads.filter(|alive| ready(*alive)).count().await
}
