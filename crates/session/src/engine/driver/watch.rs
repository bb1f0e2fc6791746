//! Watching another's attempt.

use std::{sync::atomic::Ordering, time::Duration};

use super::Driver;
use crate::{
    Error,
    machine::{Input, Sight, Stored, Watch},
    record::{Attempt, Held},
};

impl Driver<'_> {
    /// Reads until the record changes, or has stood for a whole lease.
    pub(super) async fn watch(&mut self, stored: Stored<Held>, lease: Duration) -> Input<Held> {
        let attempt = stored.record.live().and_then(|live| live.attempt);
        if let Some(Attempt { holder, .. }) = attempt {
            tracing::debug!(account = %self.slot.digest(), holder = format_args!("{holder:032x}"), "waits for another's attempt");
        }
        let pace = &self.slot.home.pace;
        let limit = pace.store_limit();
        // A slow store is no pause of this process: a read that took all its time still counts as watching.
        let (gap, grace) = (pace.poll * 8 + limit, pace.store_retry * 2);
        let now = self.core.time.monotonic();
        let mut watch = Watch::new(stored.version, lease, gap, grace, now);
        let (mut hung, mut held_until, mut failed) = (false, Duration::ZERO, false);
        loop {
            self.look_again(failed).await;
            if self.core.is_closing() {
                return Input::ReadFailed;
            }
            let sent = self.core.time.monotonic();
            let found = self.read().await;
            let now = self.core.time.monotonic();
            failed = found.is_err();
            if found.is_ok() && std::mem::take(&mut hung) {
                // The holder's write may hang as our read did, and is tried again only when it has timed out too.
                held_until = now + limit;
            }
            match found {
                Err(_) if now.saturating_sub(sent) >= limit => {
                    hung = true;
                    watch.failed(now);
                }
                Ok(Some(there)) if there.version == stored.version && now < held_until => {
                    watch.failed(now);
                }
                Err(error @ Error::Record { .. }) => {
                    self.store_error = Some(error);
                    return Input::ReadFailed;
                }
                Err(_) => watch.failed(now),
                Ok(found) => match watch.read(found.as_ref().map(|s| s.version), now) {
                    Sight::Changed => return Input::Found(found),
                    Sight::Lapsed => return Input::Lapsed(stored),
                    Sight::Standing => {}
                },
            }
        }
    }

    /// Waits until a watched record is worth another look: the store tells of a change, or it is time. After a read that `failed` the change
    /// that it was to show is still to be seen, and no reason for another at once.
    async fn look_again(&self, failed: bool) {
        let poll = self.slot.home.pace.poll;
        let hears = self.core.hearing.load(Ordering::Acquire);
        let every = if hears { poll * 4 } else { poll };
        let told = self.slot.lock().told();
        // Both are made before the questions, so that nothing that comes between is missed.
        let (told, hurry) = (told.notified(), self.core.hurry.notified());
        let changed = !failed && self.slot.lock().changes.is_pending();
        if !changed && !self.core.is_closing() {
            tokio::select! {
                () = told => {}
                () = tokio::time::sleep(every) => {}
                () = hurry => {}
            }
        }
    }
}
