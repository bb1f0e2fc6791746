//! The engine's background tasks: their start, and the replacement of tasks that died.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Weak},
    time::Duration,
};

use tokenkeeper_store::{ErrorChain, TokenStore};
use tokio::{runtime::Handle, sync::watch};

use super::{core::Core, eviction, pump, watching};
use crate::audit::write_trail;

/// Starts the background tasks of a new engine.
///
/// # Errors
/// [`Error::NoRuntime`](crate::Error::NoRuntime) if no thread can be started for them.
pub(crate) fn start(core: &Arc<Core>) -> Result<(), crate::Error> {
    let runtime = core.runtime.handle()?;
    spawn(core, &runtime);
    runtime.spawn(check_store(core.store.clone(), core.options.lease / 4));
    core.metrics.describe();
    Ok(())
}

/// Looks once at the store, so that a wrong key is in the log before an account needs it.
async fn check_store(store: Arc<dyn TokenStore>, timeout: Duration) {
    match tokio::time::timeout(timeout, store.check_health()).await {
        Ok(Err(error)) => {
            let error = ErrorChain::of(&error);
            tracing::warn!(%error, "the store needs attention");
        }
        Ok(Ok(())) => {}
        Err(_) => tracing::warn!(?timeout, "the store does not answer"),
    }
}

fn spawn(core: &Arc<Core>, runtime: &Handle) {
    let weak = Arc::downgrade(core);
    let gone = || core.alive.subscribe();
    let idle = core.options.idle_timeout;
    runtime.spawn(eviction::sweep(weak.clone(), gone(), idle));
    runtime.spawn(eviction::evict_over(weak.clone(), gone()));
    #[cfg(feature = "metrics")]
    runtime.spawn(crate::metrics::sample(weak.clone(), gone()));
    runtime.spawn(watching::listen(weak.clone(), gone()));
    runtime.spawn(watching::compare_unwatched(weak.clone(), gone()));
    if let Some(trail) = &core.audit {
        runtime.spawn(write_trail(trail.clone(), weak.clone(), gone()));
    }
    let guard = RuntimeGuard(weak);
    runtime.spawn(replace_dead_tasks(guard, gone()));
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
                if let Some(cold) = entry.lock().cold_ref() {
                    cold.watch_deadlines(&runtime);
                }
            }
        }
    }
}
