//! Gauges, which the engine samples: requests with a valid token measure nothing.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    time::Duration,
};

use tokenkeeper_refresh::{EngineInstant, Record};
use tokio::{sync::watch, time::Instant};

use super::names;
use crate::{
    clock::wall_millis,
    engine::{AccountEntry, Core, is_in_use},
    health::AccountHealth,
};

/// Sets the gauges at an interval, until the engine is gone. While no account does anything, the
/// interval grows: an idle process does not wake.
pub(crate) async fn sample(core: Weak<Core>, mut gone: watch::Receiver<()>) {
    let Some(activity) = core.upgrade().map(|core| core.metrics.activity.clone()) else {
        return;
    };
    let (mut rest, mut is_idle) = (INTERVAL, false);
    loop {
        tokio::select! {
            () = tokio::time::sleep(rest) => {}
            () = activity.notified(), if is_idle => {
                (rest, is_idle) = (INTERVAL, false);
                continue;
            }
            _ = gone.changed() => return,
        }
        let Some(core) = core.upgrade() else { return };
        let began = Instant::now();
        is_idle = !set_gauges(&core).await;
        // A million accounts take part of a second.
        let least = INTERVAL.max(began.elapsed() * REST_FACTOR);
        let longest = if is_idle { IDLE_INTERVAL } else { least };
        rest = (rest * 2).clamp(least, longest.max(least));
    }
}

/// The time between two samples.
const INTERVAL: Duration = Duration::from_secs(15);

/// The longest time between two samples while no account is in use and none calls the store.
const IDLE_INTERVAL: Duration = Duration::from_secs(3600);

/// The least rest, in multiples of the time that a sample takes.
const REST_FACTOR: u32 = 100;

/// How many accounts are sampled before other tasks run.
const SLICE: usize = 500;

/// What is sampled of the accounts of one brand.
#[derive(Default)]
struct Sample {
    accounts: HashMap<AccountHealth, usize>,
    unwritten: usize,
    token_age: Duration,
    uncompared: Duration,
}

/// Sets the gauges, and returns whether an account is in use.
async fn set_gauges(core: &Arc<Core>) -> bool {
    let mut is_any_in_use = false;
    let mut samples: HashMap<&str, Sample> = HashMap::new();
    for brand in core.distinct_brands() {
        samples.insert(brand, Sample::default());
    }
    let entries = core.entries.pin_owned();
    for (index, (entry, ())) in entries.iter().enumerate() {
        if let Some(sample) = samples.get_mut(entry.0.site.provider.brand()) {
            is_any_in_use |= sample.add(core, &entry.0);
        }
        if index % SLICE == SLICE - 1 {
            tokio::task::yield_now().await;
        }
    }
    drop(entries);
    let metrics = &core.metrics;
    for (brand, sample) in samples {
        for health in AccountHealth::ALL {
            let count = sample.accounts.get(&health).copied().unwrap_or_default();
            metrics.set_accounts(names::ACCOUNTS, brand, health, count);
        }
        metrics.set(names::UNWRITTEN, brand, sample.unwritten as f64);
        metrics.set(names::TOKEN_AGE, brand, sample.token_age.as_secs_f64());
        metrics.set(names::UNCOMPARED, brand, sample.uncompared.as_secs_f64());
        set_backlog(core, brand);
    }
    is_any_in_use
}

/// Sets the gauges of the refreshers of this process.
fn set_backlog(core: &Core, brand: &str) {
    let backlogs = core.backlogs.read(core.providers.len(), core.time.wall());
    let (mut due, mut in_flight, mut late) = (0, 0, Duration::ZERO);
    for (provider, backlog) in core.providers.iter().zip(backlogs) {
        if provider.brand() == brand {
            due += backlog.due;
            in_flight += backlog.in_flight;
            late = late.max(backlog.late);
        }
    }
    core.metrics.set(names::REFRESHER_DUE, brand, due as f64);
    core.metrics
        .set(names::REFRESHER_IN_FLIGHT, brand, in_flight as f64);
    core.metrics
        .set(names::REFRESHER_LATE, brand, late.as_secs_f64());
}

impl Sample {
    /// Counts an account, and returns whether it is in use.
    fn add(&mut self, core: &Core, entry: &AccountEntry) -> bool {
        let (now, wall) = (core.time.now(), core.time.wall());
        let inner = entry.lock();
        let record = inner.machine.record().map(AsRef::as_ref);
        let health = AccountHealth::of(record, inner.is_misconfigured(), wall);
        let issued_at = record
            .and_then(Record::live)
            .map(|live| live.payload.issued_at());
        let compared_at = inner.machine.compared_at();
        // A write in flight is no sign of trouble.
        let is_unwritten = inner.machine.is_behind();
        drop(inner);
        *self.accounts.entry(health).or_default() += 1;
        self.unwritten += usize::from(is_unwritten);
        let is_in_use = is_in_use(core, entry);
        if entry.snapshot.load().is_none() || !is_in_use {
            return is_in_use;
        }
        if let Some(issued_at) = issued_at {
            let age = wall.saturating_sub(wall_millis(issued_at));
            self.token_age = self.token_age.max(Duration::from_millis(age));
        }
        if compared_at > EngineInstant(0) {
            self.uncompared = self.uncompared.max(now.since(compared_at));
        }
        is_in_use
    }
}
