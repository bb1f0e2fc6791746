//! Signals that the standard library does not send.

use std::process::Stdio;

use tokio::process::Command;

use crate::BoxError;

/// A signal to a process.
#[derive(Clone, Copy, Debug)]
pub(super) enum Signal {
    Stop,
    Continue,
    Terminate,
}

/// Sends a signal with the command `kill`; false if there is no such process.
pub(super) async fn send(signal: Signal, process: u32) -> Result<bool, BoxError> {
    let name = match signal {
        Signal::Stop => "-STOP",
        Signal::Continue => "-CONT",
        Signal::Terminate => "-TERM",
    };
    let status = Command::new("kill")
        .args([name, &process.to_string()])
        .stderr(Stdio::null())
        .status()
        .await?;
    Ok(status.success())
}
