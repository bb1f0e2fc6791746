//! The application's log, in memory.

use std::{
    io,
    sync::{Mutex, Once, PoisonError},
};

use tracing::Level;
use tracing_subscriber::{
    filter::Targets, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

/// What all tests of this process have logged.
static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Writer;

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
        lines.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Logs from now on: all that our crates say, and what others say to an operator.
pub(crate) fn start() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let levels = Targets::new()
            .with_default(Level::INFO)
            .with_target("tokenkeeper", Level::TRACE);
        let lines = fmt::layer().with_ansi(false).with_writer(|| Writer);
        tracing_subscriber::registry()
            .with(levels)
            .with(lines)
            .init();
    });
}

/// Returns what was logged so far.
pub(crate) fn text() -> String {
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8_lossy(&lines).into_owned()
}
