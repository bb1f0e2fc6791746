//! The shutdown of the engine.

use std::{sync::Arc, time::Duration};

use tokenkeeper_refresh::Input;

use super::{core::Core, entry::AccountEntry, pump};

/// What a shutdown leaves.
pub(crate) struct Leftover {
    /// The accounts whose newest tokens are not written.
    pub(crate) entries: Vec<Arc<AccountEntry>>,
    /// The number of entries of the audit trail that its sink did not take.
    pub(crate) audit_entries: u64,
}

/// Refuses new work, hurries operations in flight, and waits until no tokens are at risk and the
/// audit trail is written, for at most `deadline`. Returns what is left.
pub(crate) async fn close(core: &Arc<Core>, deadline: Duration) -> Leftover {
    core.close();
    for entry in core.entries_where(|entry| !entry.lock().machine.is_idle()) {
        pump::step(core, &entry, Input::Closing);
    }
    // The engine's runtime has timers; the caller's may not.
    let timer = core.runtime.handle().ok().map(|runtime| {
        let wait = deadline.min(MAX_WAIT);
        runtime.spawn(async move { tokio::time::sleep(wait).await })
    });
    let done = async {
        loop {
            let ended = core.operation_ended();
            tokio::pin!(ended);
            ended.as_mut().enable();
            if !core.is_busy() && core.at_risk().is_empty() {
                break;
            }
            ended.await;
        }
        if let Some(trail) = &core.audit {
            trail.flush().await;
        }
    };
    if let Some(timer) = timer {
        tokio::select! {
            biased;
            () = done => {}
            _ = timer => {}
        }
    }
    Leftover {
        entries: core.at_risk(),
        audit_entries: core.audit.as_ref().map_or(0, |trail| trail.unwritten()),
    }
}

/// Caps the deadline at a year to avoid overflow.
const MAX_WAIT: Duration = Duration::from_secs(365 * 24 * 60 * 60);
