//! The engine's background tasks: they evict idle accounts, receive the store's notifications, and
//! replace tasks that died.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

use futures_util::StreamExt as _;
use tokio::{runtime::Handle, sync::watch};

use super::{core::Core, pump, registry};
use tokenkeeper_refresh::Input;

/// Starts the background tasks of a new engine.
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
    let guard = RuntimeGuard(weak);
    runtime.spawn(replace_dead_tasks(guard, core.alive.subscribe()));
}

/// Evicts accounts that were not used for `idle`: memory is a cache.
async fn sweep(core: Weak<Core>, mut gone: watch::Receiver<()>, idle: Duration) {
    let every = (idle / 4).max(Duration::from_secs(1));
    loop {
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            _ = gone.changed() => return,
        }
        let Some(core) = core.upgrade() else { return };
        registry::sweep(&core);
        // Writes that the store refused are repeated once it works, even for unused accounts.
        for entry in core.entries_where(|entry| entry.lock().machine.is_parked()) {
            pump::step(&core, &entry, Input::Compare);
        }
    }
}

/// Passes the store's notifications to the machines. They only shorten waits: everything also works
/// by polling.
async fn listen(core: Weak<Core>, mut gone: watch::Receiver<()>, pause: Duration) {
    loop {
        let stream = core.upgrade().map(|core| core.store.watch());
        let Some(mut changes) = stream.flatten() else {
            return;
        };
        let notified = NotifiedGuard::set(&core);
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
            let in_use = now.since(entry.last_used(now)) < core.options.revalidate_interval * 2;
            let version = change.version;
            pump::step(&core, &entry, Input::Changed { version, in_use });
        }
        drop(changes);
        drop(notified);
        // Waiters poll until the next stream.
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = gone.changed() => return,
        }
    }
}

/// Keeps `Core::notified` set while a notification stream is open.
struct NotifiedGuard(Weak<Core>);

impl NotifiedGuard {
    fn set(core: &Weak<Core>) -> Self {
        if let Some(core) = core.upgrade() {
            core.notified.store(true, Ordering::Release);
        }
        Self(core.clone())
    }
}

impl Drop for NotifiedGuard {
    fn drop(&mut self) {
        if let Some(core) = self.0.upgrade() {
            core.notified.store(false, Ordering::Release);
        }
    }
}

/// Replaces tasks that died before they were finished.
async fn replace_dead_tasks(guard: RuntimeGuard, mut gone: watch::Receiver<()>) {
    loop {
        let Some(core) = guard.0.upgrade() else {
            return;
        };
        let task_died = core.task_died.clone();
        let died = task_died.notified();
        tokio::pin!(died);
        died.as_mut().enable();
        while let Some((entry, task)) = pump::next_dead_task(&core) {
            // A panic in a user's code must not stop the replacement of other tasks.
            let replace = AssertUnwindSafe(|| pump::replace_dead_task(&core, &entry, task));
            let _ = std::panic::catch_unwind(replace);
        }
        drop(core);
        tokio::select! {
            () = died => {}
            _ = gone.changed() => return,
        }
    }
}

/// Detects the end of the engine's runtime, which drops it: then a thread replaces the runtime and
/// runs all background tasks.
struct RuntimeGuard(Weak<Core>);

impl Drop for RuntimeGuard {
    fn drop(&mut self) {
        if let Some(core) = self.0.upgrade()
            && let Ok(runtime) = core.runtime.replace()
        {
            spawn(&core, &runtime);
            for entry in core.entries_where(|entry| !entry.lock().machine.is_idle()) {
                entry.lock().watch_deadlines(&runtime);
            }
        }
    }
}
