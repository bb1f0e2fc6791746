//! Tasks of which one runs at a time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;
use tokio::task::AbortHandle;

/// A place for one task in the background, which ends with it.
#[derive(Default)]
pub(super) struct Background {
    is_running: Arc<AtomicBool>,
    task: Mutex<Option<AbortHandle>>,
}

/// The running task: the place is free again when this is dropped, even with the runtime.
struct Running(Arc<AtomicBool>);

impl Background {
    /// Spawns the task, unless the last one still runs.
    pub(super) fn run(&self, task: impl Future<Output = ()> + Send + 'static) {
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        if self.is_running.swap(true, Ordering::AcqRel) {
            return;
        }
        let running = Running(self.is_running.clone());
        let spawned = runtime.spawn(async move {
            let _running = running;
            task.await;
        });
        *self.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(spawned.abort_handle());
    }

    /// Ends the task.
    pub(super) fn abort(&self) {
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = &*task {
            task.abort();
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.abort();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
