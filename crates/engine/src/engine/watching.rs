//! The store's notifications: they are passed to the machines, and each account in use is compared
//! once after they were lost.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use futures_util::StreamExt as _;
use tokenkeeper_refresh::{Input, Watched};
use tokio::{sync::watch, time::Instant};

use super::{core::Core, entry::AccountEntry, pump, registry};

/// Passes the store's notifications to the machines. They only shorten waits: everything also works
/// by polling.
pub(super) async fn listen(core: Weak<Core>, mut gone: watch::Receiver<()>) {
    let mut pause = MIN_PAUSE;
    loop {
        let stream = core.upgrade().map(|core| core.store.watch());
        let Some(mut changes) = stream.flatten() else {
            return;
        };
        let opened = Opened::new(&core);
        loop {
            let change = tokio::select! {
                biased;
                _ = gone.changed() => return,
                change = changes.next() => change,
            };
            let (Some(change), Some(core)) = (change, core.upgrade()) else {
                break;
            };
            let Some(entry) = registry::known_entry(&core, &change.key) else {
                continue;
            };
            let in_use = is_in_use(&core, &entry);
            let version = change.version;
            pump::step(&core, &entry, Input::Changed { version, in_use });
        }
        drop(changes);
        // A store that cannot be watched for now is asked less and less often.
        pause = if opened.is_proven() {
            MIN_PAUSE
        } else {
            (pause * 2).min(MAX_PAUSE)
        };
        drop(opened);
        // Waiters poll until the next stream.
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = gone.changed() => return,
        }
    }
}

/// The pauses before a lost stream is opened again.
const MIN_PAUSE: Duration = Duration::from_millis(500);
const MAX_PAUSE: Duration = Duration::from_secs(10);

/// How long a stream must have been open to be relied on. One that cannot be opened ends within ten
/// seconds.
const MIN_WATCH_AGE: Duration = Duration::from_secs(15);

/// An open stream. When it ends, also with the runtime, its watch is lost.
struct Opened(Weak<Core>);

impl Opened {
    fn new(core: &Weak<Core>) -> Self {
        if let Some(core) = core.upgrade() {
            core.watch.begin(core.time.now().after(MIN_WATCH_AGE));
        }
        Self(core.clone())
    }

    /// Returns whether the stream has been open for long enough to be relied on.
    fn is_proven(&self) -> bool {
        let core = self.0.upgrade();
        core.is_some_and(|core| core.watch.since().is_some_and(|at| at <= core.time.now()))
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        if let Some(core) = self.0.upgrade() {
            core.watch.end(core.time.now());
        }
    }
}

/// Tells the accounts that a watch was lost: those in use are compared with the store, one after
/// the other within an interval.
pub(super) async fn compare_unwatched(core: Weak<Core>, mut gone: watch::Receiver<()>) {
    loop {
        let Some(news) = core.upgrade().map(|core| core.watch.news()) else {
            return;
        };
        let walk = async {
            let Some((watched, accounts, interval, roll)) = core.upgrade().and_then(begin_walk)
            else {
                return news.notified().await;
            };
            let steps = accounts.len().clamp(1, MAX_STEPS);
            let pause = interval / u32::try_from(steps).unwrap_or(u32::MAX);
            // The processes of a fleet lose their watches together.
            let mut next = Instant::now() + pause.mul_f64(roll);
            for accounts in accounts.chunks(accounts.len().div_ceil(steps).max(1)) {
                tokio::time::sleep_until(next).await;
                next += pause;
                let Some(core) = core.upgrade() else { return };
                for entry in accounts.iter().filter_map(Weak::upgrade) {
                    let in_use = is_in_use(&core, &entry);
                    pump::step(&core, &entry, Input::Unwatched { watched, in_use });
                }
            }
            if let Some(core) = core.upgrade() {
                core.watch.forget_lost(watched);
            }
        };
        tokio::select! {
            () = walk => {}
            _ = gone.changed() => return,
        }
    }
}

/// How many times at most a walk over the accounts pauses.
const MAX_STEPS: usize = 600;

/// The watch that was lost, the accounts in memory, the time for all of them, and a random number.
type Walk = (Watched, Vec<Weak<AccountEntry>>, Duration, f64);

fn begin_walk(core: Arc<Core>) -> Option<Walk> {
    let watched = core.watch.lost()?;
    let accounts = core.entries_where(|_| true);
    let accounts = accounts.iter().map(Arc::downgrade).collect();
    let (interval, roll) = (core.options.revalidate_interval, core.random.roll());
    Some((watched, accounts, interval, roll))
}

/// Returns whether the account was used within the last two intervals.
pub(crate) fn is_in_use(core: &Core, entry: &AccountEntry) -> bool {
    let now = core.time.now();
    now.since(entry.last_used(now)) < core.options.revalidate_interval * 2
}
