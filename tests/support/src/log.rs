//! What is logged, in memory.
//!
//! A subscriber sees all events only if it is set before any test runs, so tests that use it have
//! their own binary.

use std::{cell::RefCell, io, sync::Once};

use tracing::Level;

thread_local! {
    /// The lines that this thread has logged. Each test runs on one thread.
    static LINES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

struct Writer;

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.with_borrow_mut(|lines| lines.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Logs into memory from now on, at `info` and above, as an operator's log would be.
pub fn start() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(Level::INFO)
            .with_ansi(false)
            .with_writer(|| Writer)
            .finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
    take_lines();
}

/// Returns the lines since the last call.
pub fn take_lines() -> Vec<String> {
    let lines = LINES.with_borrow_mut(std::mem::take);
    let lines = String::from_utf8(lines).unwrap();
    lines.lines().map(str::to_owned).collect()
}

/// Returns the lines since the last call that have `part`.
pub fn take_lines_with(part: &str) -> Vec<String> {
    let mut lines = take_lines();
    lines.retain(|line| line.contains(part));
    lines
}

/// Returns the only line since the last call, which must have this level and these parts.
#[track_caller]
pub fn assert_one_line(level: &str, parts: &[&str]) -> String {
    assert_one(take_lines(), level, parts)
}

/// Returns the only line since the last call that has the first of `parts`. It must have this level
/// and the other parts.
#[track_caller]
pub fn assert_one_such_line(level: &str, parts: &[&str]) -> String {
    assert_one(take_lines_with(parts[0]), level, parts)
}

#[track_caller]
fn assert_one(mut lines: Vec<String>, level: &str, parts: &[&str]) -> String {
    assert_eq!(lines.len(), 1, "{level} {parts:?}: {lines:#?}");
    let line = lines.remove(0);
    assert!(line.contains(&format!(" {level} ")), "{line}");
    for part in parts {
        assert!(line.contains(part), "no `{part}` in {line}");
    }
    line
}
