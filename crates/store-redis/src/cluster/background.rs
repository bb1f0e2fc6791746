//! Tasks of which one runs at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::runtime::Handle;

/// A place for one task in the background.
#[derive(Default)]
pub(super) struct Background(Arc<AtomicBool>);

/// The running task: the place is free again when this is dropped, even with the runtime.
struct Running(Arc<AtomicBool>);

impl Background {
    /// Spawns the task, unless the last one still runs.
    pub(super) fn run(&self, task: impl Future<Output = ()> + Send + 'static) {
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        if self.0.swap(true, Ordering::AcqRel) {
            return;
        }
        let running = Running(self.0.clone());
        runtime.spawn(async move {
            let _running = running;
            task.await;
        });
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
