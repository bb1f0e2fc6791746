//! A burst: accounts that are all due at once, as after an outage.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use tokio::time::Instant;

use crate::{
    fill::{Batch, Due, FIRST, OTHER, Times, fill},
    provider::{Provider, Refresh},
    testbed::{Counts, Kind, Testbed},
    worker::{Job, Role, Workers},
};

/// A burst, and the workers that meet it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Burst {
    pub(crate) kind: Kind,
    /// Accounts that are due at once.
    pub(crate) backlog: usize,
    /// Accounts of the same provider that are due in weeks.
    pub(crate) idle: usize,
    /// Accounts of another provider that are due one after the other, while the burst lasts.
    pub(crate) others: usize,
    pub(crate) workers: usize,
    /// The number of refreshes at once in a worker.
    pub(crate) concurrency: usize,
    /// How long the endpoint takes for a refresh.
    pub(crate) latency: Duration,
}

/// What a burst took.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) burst: Burst,
    /// Refreshes a second of the same workers without a refresher.
    pub(crate) ideal_rate: f64,
    /// The time until the last account of the backlog was refreshed.
    pub(crate) took: Duration,
    /// The longest time without a refresh before that.
    pub(crate) longest_pause: Duration,
    /// Accounts of the backlog that were not refreshed in time.
    pub(crate) left: usize,
    pub(crate) refreshes: usize,
    pub(crate) repeated: usize,
    /// The refreshes of the busiest worker, by those of the least busy one.
    pub(crate) unevenness: f64,
    pub(crate) counts: Counts,
    pub(crate) cpu: Duration,
    pub(crate) others: Others,
}

/// What became of the accounts of the other provider.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Others {
    /// How long after its due time the latest was refreshed.
    pub(crate) latest: Duration,
    /// Those that expired first.
    pub(crate) expired: usize,
}

impl Outcome {
    /// Returns the time that the same workers would take without a refresher.
    pub(crate) fn ideal(&self) -> f64 {
        self.burst.backlog as f64 / self.ideal_rate
    }

    /// Returns the time by the ideal time, as far as the backlog was refreshed.
    pub(crate) fn over_ideal(&self) -> f64 {
        let done = (self.burst.backlog - self.left) as f64 / self.burst.backlog as f64;
        self.took.as_secs_f64() / (self.ideal() * done.max(f64::MIN_POSITIVE))
    }

    pub(crate) fn gets(&self) -> f64 {
        self.counts.gets as f64 / self.refreshes as f64
    }

    pub(crate) fn scripts(&self) -> f64 {
        self.counts.scripts as f64 / self.refreshes as f64
    }

    /// Returns the servers' processor time for a refresh, in microseconds.
    pub(crate) fn server_cpu(&self) -> f64 {
        self.counts.cpu.as_secs_f64() * 1e6 / self.refreshes as f64
    }

    /// Returns the workers' processor time for a refresh, in microseconds.
    pub(crate) fn worker_cpu(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.refreshes as f64
    }
}

impl Burst {
    /// Measures the burst; `None` where the store's server is not installed.
    pub(crate) async fn run(self, provider: &Provider) -> Option<Outcome> {
        eprintln!("--- {self:?}");
        let testbed = Testbed::start(self.kind).await?;
        let endpoint = format!("http://{}", provider.address);
        let sample = sample(self.backlog);
        let backlog = sample..sample + self.backlog;
        let idle = backlog.end..backlog.end + self.idle;
        let others = idle.end..idle.end + self.others;
        provider.reset(others.end, self.latency);
        let job = Job {
            role: Role::Ideal { accounts: sample },
            store: testbed.store.clone(),
            endpoint: endpoint.clone(),
            concurrency: self.concurrency,
            workers: self.workers,
        };
        let ideal_rate = ideal_rate(provider, &job).await;

        let batch = |brand, accounts: &std::ops::Range<usize>, due| Batch {
            brand,
            from: accounts.start,
            count: accounts.len(),
            due,
        };
        // The last of the others are due shortly before the burst should be over.
        let within = Duration::from_secs_f64(self.backlog as f64 / ideal_rate);
        let batches = [
            batch(FIRST, &idle, Due::Later),
            batch(FIRST, &backlog, Due::Now),
            batch(OTHER, &others, Due::Within(within.max(SHORTEST))),
        ];
        let times = fill(&testbed.store, &endpoint, &batches).await;
        let job = Job {
            role: Role::Refresher,
            ..job
        };
        let mut workers = Workers::start(&job).await;
        let counter = testbed.counter();
        let usage = workers.usage();
        let (start, wall) = (Instant::now(), SystemTime::now());
        workers.go().await;
        let wanted = sample + self.backlog + self.others;
        wait_for(
            provider,
            wanted,
            start + within * 5 + Duration::from_secs(30),
        )
        .await;
        let counts = counter.read();
        let usage = workers.usage().since(usage);
        workers.stop().await;

        let refreshes = provider.refreshes().split_off(sample);
        let of_backlog: Vec<_> = refreshes
            .iter()
            .filter(|refresh| backlog.contains(&refresh.account))
            .collect();
        let last = of_backlog.last().map_or(start, |refresh| refresh.at);
        Some(Outcome {
            burst: self,
            ideal_rate,
            took: last - start,
            longest_pause: longest_pause(start, of_backlog.iter().map(|refresh| refresh.at)),
            left: self.backlog - of_backlog.len(),
            refreshes: refreshes.len(),
            repeated: provider.repeated(),
            unevenness: unevenness(&refreshes, self.workers),
            counts,
            cpu: usage.cpu,
            others: lateness(&refreshes, &times, start, wall),
        })
    }
}

/// The shortest lifetime of the others' tokens.
const SHORTEST: Duration = Duration::from_secs(8);

/// Returns the number of accounts over which the ideal rate is measured.
fn sample(backlog: usize) -> usize {
    (backlog / 4).clamp(40, 4_000)
}

/// Measures the rate at which workers refresh accounts that they are told.
pub(crate) async fn ideal_rate(provider: &Provider, job: &Job) -> f64 {
    let Role::Ideal { accounts } = job.role else {
        panic!("another role lists accounts");
    };
    let batch = Batch {
        brand: FIRST,
        from: 0,
        count: accounts,
        due: Due::Now,
    };
    fill(&job.store, &job.endpoint, &[batch]).await;
    let mut workers = Workers::start(job).await;
    let start = Instant::now();
    workers.go().await;
    wait_for(provider, accounts, start + Duration::from_secs(300)).await;
    workers.stop().await;
    let last = provider.refreshes().last().map(|refresh| refresh.at);
    let last = last.expect("an account was refreshed");
    provider.count() as f64 / (last - start).as_secs_f64()
}

/// Waits until the endpoint has counted this many refreshes, at most until the deadline.
pub(crate) async fn wait_for(provider: &Provider, refreshes: usize, deadline: Instant) {
    while provider.count() < refreshes && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Returns the longest time between two of these, counted from the start.
pub(crate) fn longest_pause(start: Instant, times: impl Iterator<Item = Instant>) -> Duration {
    let mut last = start;
    let pauses = times.map(|at| at - std::mem::replace(&mut last, at));
    pauses.max().unwrap_or_default()
}

fn unevenness(refreshes: &[Refresh], workers: usize) -> f64 {
    let mut shares = vec![0_usize; workers];
    for refresh in refreshes {
        shares[refresh.worker] += 1;
    }
    let (least, most) = (shares.iter().min(), shares.iter().max());
    let share = |count: Option<&usize>| count.copied().unwrap_or_default() as f64;
    share(most) / share(least).max(1.0)
}

fn lateness(
    refreshes: &[Refresh],
    times: &HashMap<usize, Times>,
    start: Instant,
    wall: SystemTime,
) -> Others {
    let refreshed: HashMap<usize, SystemTime> = refreshes
        .iter()
        .map(|refresh| (refresh.account, wall + (refresh.at - start)))
        .collect();
    let mut others = Others::default();
    for (account, times) in times {
        match refreshed.get(account) {
            Some(at) => {
                let late = at.duration_since(times.due.max(wall));
                others.latest = others.latest.max(late.unwrap_or_default());
                others.expired += usize::from(*at > times.expires_at);
            }
            None => others.expired += 1,
        }
    }
    others
}
