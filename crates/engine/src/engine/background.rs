//! The engine's background tasks: dropping idle accounts, hearing of changes, and replacing
//! operations whose tasks died.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

use futures_util::StreamExt as _;
use tokio::{runtime::Handle, sync::watch};

use super::{core::Core, pump, registry};
use tokenkeeper_refresh::Input;

/// Starts them, once, when the engine is built.
///
/// # Errors
/// [`Error::NoRuntime`](crate::Error::NoRuntime) if no thread can be started for them.
pub(crate) fn start(core: &Arc<Core>) -> Result<(), crate::Error> {
    spawn(core, &core.runtime.handle()?);
    Ok(())
}

fn spawn(core: &Arc<Core>, runtime: &Handle) {
    let weak = Arc::downgrade(core);
    runtime.spawn(sweep(
        weak.clone(),
        core.alive.subscribe(),
        core.options.idle_timeout,
    ));
    runtime.spawn(listen(
        weak.clone(),
        core.alive.subscribe(),
        core.options.revalidate_interval,
    ));
    let keeper = Keeper(weak);
    runtime.spawn(keep(keeper, core.alive.subscribe()));
}

/// Drops what was not used for a while: memory is a cache.
async fn sweep(core: Weak<Core>, mut gone: watch::Receiver<()>, idle: Duration) {
    let every = (idle / 4).max(Duration::from_secs(1));
    loop {
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            _ = gone.changed() => return,
        }
        let Some(core) = core.upgrade() else { return };
        registry::sweep(&core);
        // What a store did not take is tried again once it is well, even if nobody uses the
        // account.
        for entry in core.entries_where(|entry| entry.lock().machine.is_parked()) {
            pump::step(&core, &entry, Input::Compare);
        }
    }
}

/// Hears of changes, by whatever process. It is a hint that saves waiting: everything also works by
/// polling.
async fn listen(core: Weak<Core>, mut gone: watch::Receiver<()>, pause: Duration) {
    loop {
        let stream = core.upgrade().map(|core| core.store.watch());
        let Some(mut changes) = stream.flatten() else {
            return;
        };
        let _hears = Hears::begin(&core);
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
            let now = core.time.now();
            let in_use = now.since(entry.used(now)) < core.options.revalidate_interval * 2;
            let version = change.version;
            pump::step(&core, &entry, Input::Changed { version, in_use });
        }
        drop(changes);
        drop(_hears);
        // Waiters poll until the stream is there again.
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = gone.changed() => return,
        }
    }
}

/// Set while the store tells of changes.
struct Hears(Weak<Core>);

impl Hears {
    fn begin(core: &Weak<Core>) -> Self {
        if let Some(core) = core.upgrade() {
            core.notified.store(true, Ordering::Release);
        }
        Self(core.clone())
    }
}

impl Drop for Hears {
    fn drop(&mut self) {
        if let Some(core) = self.0.upgrade() {
            core.notified.store(false, Ordering::Release);
        }
    }
}

/// Tells the machines which of their operations died.
async fn keep(keeper: Keeper, mut gone: watch::Receiver<()>) {
    loop {
        let Some(core) = keeper.0.upgrade() else {
            return;
        };
        let any_died = core.any_died.clone();
        let any = any_died.notified();
        tokio::pin!(any);
        any.as_mut().enable();
        while let Some((entry, lost)) = pump::next_lost(&core) {
            // Others' operations are replaced even if a user's code panics in this one.
            let replace = AssertUnwindSafe(|| pump::replace(&core, &entry, lost));
            let _ = std::panic::catch_unwind(replace);
        }
        drop(core);
        tokio::select! {
            () = any => {}
            _ = gone.changed() => return,
        }
    }
}

/// Ends with its runtime: then another takes its place, with all background tasks.
struct Keeper(Weak<Core>);

impl Drop for Keeper {
    fn drop(&mut self) {
        if let Some(core) = self.0.upgrade()
            && let Ok(runtime) = core.runtime.replace()
        {
            spawn(&core, &runtime);
            for entry in core.entries_where(|entry| !entry.lock().machine.is_idle()) {
                entry.lock().keep_time(&runtime);
            }
        }
    }
}
