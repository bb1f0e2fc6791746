//! Accounts in use over a store that notifies, while nothing changes.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    fill::{Batch, Due, FIRST, fill},
    provider::Provider,
    testbed::{Kind, Testbed},
    worker::{Job, Role, Workers},
};

/// A process that uses all its accounts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch {
    pub(crate) accounts: usize,
    /// The time in which the process reads all accounts for the first time.
    pub(crate) settle: Duration,
    /// How long it is measured after that.
    pub(crate) time: Duration,
}

impl Watch {
    /// Returns the reads of a minute; `None` where Redis is not installed.
    pub(crate) async fn run(self, provider: &Provider) -> Option<f64> {
        eprintln!("--- {self:?}");
        let testbed = Testbed::start(Kind::Redis).await?;
        let endpoint = format!("http://{}", provider.address);
        provider.reset(self.accounts, Duration::ZERO);
        let batch = Batch {
            brand: FIRST,
            from: 0,
            count: self.accounts,
            due: Due::Later,
        };
        fill(&testbed.store, &endpoint, &[batch]).await;
        let mut workers = Workers::start(&Job {
            role: Role::User {
                accounts: self.accounts,
            },
            store: testbed.store.clone(),
            endpoint,
            concurrency: 1,
            workers: 1,
        })
        .await;
        workers.go().await;
        tokio::time::sleep(self.settle).await;
        let counter = testbed.counter();
        let start = Instant::now();
        tokio::time::sleep(self.time).await;
        let gets = counter.read().gets as f64;
        let minutes = start.elapsed().as_secs_f64() / 60.0;
        workers.stop().await;
        Some(gets / minutes)
    }
}
