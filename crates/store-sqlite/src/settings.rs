//! The values of the options.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::error::SqliteError;

/// The values of [`SqliteOptions`](crate::SqliteOptions), which documents them.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) path: PathBuf,
    pub(crate) busy_timeout: Duration,
    pub(crate) watch_interval: Duration,
    pub(crate) max_pages: Option<u32>,
    pub(crate) log_limit: u64,
    pub(crate) follow_symlinks: bool,
    pub(crate) trust_permissions: bool,
    pub(crate) clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
}

impl Settings {
    /// The defaults, for the file at `path`.
    pub(crate) fn new(path: impl AsRef<Path>) -> Self {
        Self {
            path: path.as_ref().to_owned(),
            busy_timeout: Duration::from_secs(5),
            watch_interval: Duration::from_millis(20),
            max_pages: None,
            log_limit: 1024 * 1024 * 1024,
            follow_symlinks: false,
            trust_permissions: false,
            clock: Arc::new(SystemTime::now),
        }
    }

    /// Checks what the setters accept without a look.
    pub(crate) fn check(&self) -> Result<(), SqliteError> {
        let bad = |option, problem| Err(SqliteError::BadOption { option, problem });
        if self.watch_interval < Duration::from_millis(1) {
            return bad("watch_interval", "it must be at least a millisecond");
        }
        // To SQLite, 0 means that the limit stays as it is.
        if self.max_pages == Some(0) {
            return bad("max_pages", "it must be at least one");
        }
        if self.log_limit == 0 {
            return bad("log_limit", "it must be at least one byte");
        }
        Ok(())
    }
}
