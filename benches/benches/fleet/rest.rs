//! What a worker costs while nothing is due, after some work.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    burst::wait_for,
    fill::{Batch, Due, FIRST, fill},
    provider::Provider,
    testbed::{Kind, Testbed},
    worker::{Job, Role, Workers},
};

/// A worker at rest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rest {
    pub(crate) kind: Kind,
    /// Accounts that are due in weeks.
    pub(crate) accounts: usize,
    /// How long it is measured.
    pub(crate) time: Duration,
}

/// What one worker and its store do in a minute.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Minute {
    /// Round trips to all servers.
    pub(crate) round_trips: f64,
    /// Seconds of processor time of all servers.
    pub(crate) server_cpu: f64,
    /// Seconds of processor time of the worker.
    pub(crate) worker_cpu: f64,
    pub(crate) wake_ups: f64,
}

impl Rest {
    /// Measures the worker; `None` where the store's server is not installed.
    pub(crate) async fn run(self, provider: &Provider) -> Option<Minute> {
        eprintln!("--- {self:?}");
        let testbed = Testbed::start(self.kind).await?;
        let endpoint = format!("http://{}", provider.address);
        provider.reset(WORK + self.accounts, Duration::from_millis(1));
        let batch = |from, count, due| Batch {
            brand: FIRST,
            from,
            count,
            due,
        };
        let batches = [
            batch(0, WORK, Due::Now),
            batch(WORK, self.accounts, Due::Later),
        ];
        fill(&testbed.store, &endpoint, &batches).await;
        let mut workers = Workers::start(&Job {
            role: Role::Refresher,
            store: testbed.store.clone(),
            endpoint,
            concurrency: 8,
            workers: 1,
        })
        .await;
        workers.go().await;
        wait_for(provider, WORK, Instant::now() + Duration::from_secs(60)).await;
        tokio::time::sleep(self.time / 5).await;
        let counter = testbed.counter();
        let usage = workers.usage();
        let start = Instant::now();
        tokio::time::sleep(self.time).await;
        let minutes = start.elapsed().as_secs_f64() / 60.0;
        let usage = workers.usage().since(usage);
        let counts = counter.read();
        workers.stop().await;
        Some(Minute {
            round_trips: counts.round_trips as f64 / minutes,
            server_cpu: counts.cpu.as_secs_f64() / minutes,
            worker_cpu: usage.cpu.as_secs_f64() / minutes,
            wake_ups: usage.wake_ups as f64 / minutes,
        })
    }
}

/// Accounts that the worker refreshes first.
const WORK: usize = 200;
