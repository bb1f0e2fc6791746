//! The runtime of the engine's tasks, which is never that of a later caller.

use std::sync::{Mutex, PoisonError};

use tokio::{runtime::Handle, sync::oneshot};

use crate::error::Error;

/// The given runtime, or a dedicated thread.
#[derive(Debug)]
pub(crate) struct EngineRuntime(Mutex<State>);

/// The runtime's handle, and what ends the dedicated thread.
#[derive(Debug)]
struct State {
    handle: Option<Handle>,
    /// Ends the dedicated thread when it is dropped.
    thread: Option<oneshot::Sender<()>>,
}

impl EngineRuntime {
    /// Uses `handle`, or for `None` a dedicated thread that starts with the first task.
    pub(crate) fn new(handle: Option<Handle>) -> Self {
        Self(Mutex::new(State {
            handle,
            thread: None,
        }))
    }

    /// Returns the runtime for a new task.
    ///
    /// # Errors
    /// [`Error::NoRuntime`] if no thread can be started.
    pub(crate) fn handle(&self) -> Result<Handle, Error> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &state.handle {
            Some(handle) => Ok(handle.clone()),
            None => state.start(),
        }
    }

    /// Replaces a runtime that ended by a dedicated thread.
    pub(crate) fn replace(&self) -> Result<Handle, Error> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.start()
    }
}

impl State {
    /// Starts a dedicated thread.
    fn start(&mut self) -> Result<Handle, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|_| Error::NoRuntime)?;
        let handle = runtime.handle().clone();
        let (thread, end) = oneshot::channel();
        std::thread::Builder::new()
            .name("tokenkeeper".to_owned())
            .spawn(move || {
                // Ends when the sender is dropped.
                let _ = runtime.block_on(end);
                runtime.shutdown_background();
            })
            .map_err(|_| Error::NoRuntime)?;
        self.thread = Some(thread);
        self.handle = Some(handle.clone());
        Ok(handle)
    }
}
