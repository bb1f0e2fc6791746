//! The signals that end a command.

use std::io;

use tokio::task::spawn_blocking;

use crate::{
    BoxError,
    exit::{Exit, interrupted},
};

/// Waits for a call that blocks, such as a read of stdin, unless a signal comes first.
///
/// The call goes on in its thread then, for which the end of the process does not wait.
pub(crate) async fn interruptible<T: Send + 'static>(
    call: impl FnOnce() -> T + Send + 'static,
) -> Result<T, BoxError> {
    let mut signals = Signals::listen()?;
    tokio::select! {
        biased;
        exit = signals.received() => Err(interrupted(exit)),
        done = spawn_blocking(call) => Ok(done?),
    }
}

/// The signals that end a command, from its making on.
///
/// From then on none of them ends the process on its own, which might lose tokens.
#[cfg(unix)]
pub(crate) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    pub(crate) fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the first one, and returns the exit status after it.
    pub(crate) async fn received(&mut self) -> Exit {
        tokio::select! {
            _ = self.interrupt.recv() => Exit::Interrupted,
            _ = self.terminate.recv() => Exit::Terminated,
            _ = self.hang_up.recv() => Exit::HungUp,
        }
    }
}

/// The console's events that end a command, from its making on.
#[cfg(windows)]
pub(crate) struct Signals {
    ctrl_c: tokio::signal::windows::CtrlC,
    ctrl_break: tokio::signal::windows::CtrlBreak,
    close: tokio::signal::windows::CtrlClose,
    shutdown: tokio::signal::windows::CtrlShutdown,
}

#[cfg(windows)]
impl Signals {
    pub(crate) fn listen() -> io::Result<Self> {
        use tokio::signal::windows;
        Ok(Self {
            ctrl_c: windows::ctrl_c()?,
            ctrl_break: windows::ctrl_break()?,
            close: windows::ctrl_close()?,
            shutdown: windows::ctrl_shutdown()?,
        })
    }

    /// Waits for the first one, and returns the exit status after it.
    pub(crate) async fn received(&mut self) -> Exit {
        tokio::select! {
            _ = self.ctrl_c.recv() => Exit::Interrupted,
            _ = self.ctrl_break.recv() => Exit::Interrupted,
            _ = self.close.recv() => Exit::HungUp,
            _ = self.shutdown.recv() => Exit::Terminated,
        }
    }
}
