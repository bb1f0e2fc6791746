//! Threads for blocking work.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::Builder;

use tokenkeeper_store::StoreError;
use tokio::sync::oneshot;

use crate::error::SqliteError;

/// Runs `serve` on a thread until it returns, and again after each panic.
///
/// The caller of the job that panicked sees its channel close; the next job is done.
pub(crate) fn serve(
    name: &str,
    mut serve: impl FnMut() + Send + 'static,
) -> Result<(), StoreError> {
    spawn(name, move || {
        while catch_unwind(AssertUnwindSafe(&mut serve)).is_err() {}
    })
}

/// Runs `work` on a thread and returns its result.
pub(crate) async fn run<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let (reply, answer) = oneshot::channel();
    spawn(name, move || {
        // The caller may have been dropped.
        let _ = reply.send(work());
    })?;
    answer
        .await
        .unwrap_or_else(|_| Err(SqliteError::Stopped.into()))
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
    // No handle is kept: the threads end with the last handle on the store, and no one joins them.
    Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map(drop)
        .map_err(|source| SqliteError::NoThread { source }.into())
}
