//! The task that passes the entries of the trail to its sink.

use std::{
    fmt,
    panic::AssertUnwindSafe,
    sync::{Arc, Weak},
    time::{Duration, SystemTime},
};

use futures_util::FutureExt as _;
use tokenkeeper_refresh::EngineInstant;
use tokio::sync::watch;

use super::{
    entry::AuditEntry,
    trail::{Moment, Trail},
};
use crate::{engine::Core, store::BoxError};

/// How long a sink may take for one entry.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a failed entry waits before the sink gets it again.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// Writes the trail until the engine is gone, then what is left of it, until the sink fails.
pub(crate) async fn write_trail(
    trail: Arc<Trail>,
    core: Weak<Core>,
    mut gone: watch::Receiver<()>,
) {
    loop {
        let added = trail.added.notified();
        while let Some(entry) = trail.next(moment(&core).wall) {
            let is_last_attempt = core.strong_count() == 0;
            let result = attempt(&trail, &entry).await;
            let at = moment(&core);
            match result {
                Ok(()) => {
                    trail.remove(entry.sequence);
                    trail.note_success(at);
                }
                Err(_) if is_last_attempt => return,
                Err(error) => {
                    trail.note_failure(&*error, at);
                    tokio::select! {
                        () = tokio::time::sleep(RETRY_INTERVAL) => {}
                        () = trail.hurry.notified() => {}
                        _ = gone.changed() => {}
                    }
                }
            }
        }
        tokio::select! {
            () = added => {}
            _ = gone.changed() => {
                if trail.unwritten() == 0 {
                    return;
                }
            }
        }
    }
}

/// Passes an entry to the sink once. A panic of the sink is a failure.
async fn attempt(trail: &Trail, entry: &AuditEntry) -> Result<(), BoxError> {
    let write = AssertUnwindSafe(async { trail.sink.write(entry).await }).catch_unwind();
    match tokio::time::timeout(WRITE_TIMEOUT, write).await {
        Ok(Ok(result)) => result,
        Ok(Err(_panic)) => Err(SinkFault::Panicked.into()),
        Err(_elapsed) => Err(SinkFault::Hung.into()),
    }
}

/// Returns the current time; that of the system once the engine is gone.
fn moment(core: &Weak<Core>) -> Moment {
    match core.upgrade() {
        Some(core) => core.moment(),
        None => Moment {
            wall: SystemTime::now(),
            now: EngineInstant(0),
        },
    }
}

/// A sink that broke the rules of the trait.
#[derive(Debug)]
enum SinkFault {
    Panicked,
    Hung,
}

impl fmt::Display for SinkFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Panicked => "the sink of the audit trail panicked",
            Self::Hung => "the sink of the audit trail did not return within 30 s",
        })
    }
}

impl std::error::Error for SinkFault {}
