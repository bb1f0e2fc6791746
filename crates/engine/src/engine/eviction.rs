//! Accounts leave memory: those that are over soon, the others once they are unused for long.

use std::{sync::Weak, time::Duration};

use tokenkeeper_refresh::Input;
use tokio::sync::watch;

use super::{core::Core, pump, registry};

/// Evicts accounts that were not used for the idle time: memory is a cache.
pub(super) async fn sweep(core: Weak<Core>, mut gone: watch::Receiver<()>, idle: Duration) {
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

/// Evicts accounts that are over: nothing is served of them. A tombstone is read again when it is
/// asked for.
pub(super) async fn evict_over(core: Weak<Core>, mut gone: watch::Receiver<()>) {
    loop {
        let Some(news) = core.upgrade().map(|core| core.over.news()) else {
            return;
        };
        let turn = async {
            if core.upgrade().is_some_and(|core| core.over.is_empty()) {
                news.notified().await;
            }
            // Callers that were woken with the news read them first.
            tokio::time::sleep(OVER_KEPT).await;
            let Some(core) = core.upgrade() else { return };
            for entry in core.over.take().iter().filter_map(Weak::upgrade) {
                if let Some(entry) = registry::evict_over(&core, entry, OVER_KEPT) {
                    core.over.add(&entry);
                }
            }
            registry::forget_sites(&core);
        };
        tokio::select! {
            () = turn => {}
            _ = gone.changed() => return,
        }
    }
}

/// For how long an account that is over must not have been used.
const OVER_KEPT: Duration = Duration::from_secs(5);
