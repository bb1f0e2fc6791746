//! Closing the engine.

use std::{sync::Arc, time::Duration};

use tokenkeeper_refresh::Input;

use super::{core::Core, entry::AccountEntry, pump};

/// Refuses new work, hurries what is in flight, and waits until nothing is at risk, for at most
/// `deadline`. Returns the accounts that still are.
pub(crate) async fn close(core: &Arc<Core>, deadline: Duration) -> Vec<Arc<AccountEntry>> {
    core.close();
    for entry in core.entries_where(|entry| !entry.lock().machine.is_idle()) {
        pump::step(core, &entry, Input::Closing);
    }
    // On the engine's runtime: the caller's may have no timers.
    let timer = core.runtime.handle().ok().map(|runtime| {
        let until = deadline.min(LONGEST);
        runtime.spawn(async move { tokio::time::sleep(until).await })
    });
    let done = async {
        loop {
            let ended = core.operation_ended();
            tokio::pin!(ended);
            ended.as_mut().enable();
            if !core.is_busy() && core.at_risk().is_empty() {
                return;
            }
            ended.await;
        }
    };
    if let Some(timer) = timer {
        tokio::select! {
            biased;
            () = done => {}
            _ = timer => {}
        }
    }
    core.at_risk()
}

/// Longer than anybody waits for a process to end.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);
