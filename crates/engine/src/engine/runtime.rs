//! Where the engine's tasks run: never on a caller's runtime.

use std::sync::{Mutex, PoisonError};

use tokio::{runtime::Handle, sync::oneshot};

use crate::error::Error;

/// The runtime that was given, or a thread of the engine's own.
#[derive(Debug)]
pub(crate) struct EngineRuntime(Mutex<State>);

#[derive(Debug)]
struct State {
    handle: Option<Handle>,
    /// Ends the engine's own thread when it is dropped.
    own: Option<oneshot::Sender<()>>,
}

impl EngineRuntime {
    /// `None`: a thread of its own, once there is something to run.
    pub(crate) fn new(handle: Option<Handle>) -> Self {
        Self(Mutex::new(State { handle, own: None }))
    }

    /// Where to run a task now.
    ///
    /// # Errors
    /// [`Error::NoRuntime`] if the operating system starts no thread.
    pub(crate) fn handle(&self) -> Result<Handle, Error> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &state.handle {
            Some(handle) => Ok(handle.clone()),
            None => state.start(),
        }
    }

    /// The runtime has ended: from now on a thread of the engine's own takes its place.
    pub(crate) fn replace(&self) -> Result<Handle, Error> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.start()
    }
}

impl State {
    fn start(&mut self) -> Result<Handle, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|_| Error::NoRuntime)?;
        let handle = runtime.handle().clone();
        let (own, end) = oneshot::channel();
        std::thread::Builder::new()
            .name("tokenkeeper".to_owned())
            .spawn(move || {
                // Ends when the sender is dropped.
                let _ = runtime.block_on(end);
                runtime.shutdown_background();
            })
            .map_err(|_| Error::NoRuntime)?;
        self.own = Some(own);
        self.handle = Some(handle.clone());
        Ok(handle)
    }
}
