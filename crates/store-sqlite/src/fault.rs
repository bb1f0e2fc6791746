//! The meaning of SQLite's error codes for a caller.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::ErrorCode;
use tokenkeeper_store::{BoxError, StoreError};

use crate::error::{Exposure, SqliteError};

/// A failure on a connection, cloned for each of the calls that shared a transaction.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    Sqlite(Arc<rusqlite::Error>),
    /// The schema is newer.
    Newer {
        found: u32,
        supported: u32,
    },
    /// The application id is another program's.
    OtherProgram(i32),
    /// The kind and name of an object of the schema that is not ours.
    UnknownObject(String),
    /// Another user can reach the tokens by this path.
    Exposed(PathBuf, Exposure),
    /// The system could not check that.
    System(Arc<io::Error>),
    /// The file system does not support a write-ahead log.
    NoSharedMemory,
    /// The path has another file or none.
    Moved,
}

impl Fault {
    pub(crate) fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Sqlite(error) => error.sqlite_error_code(),
            _ => None,
        }
    }

    pub(crate) fn is_busy(&self) -> bool {
        matches!(
            self.code(),
            // The protocol fails where many processes open at once; SQLite itself has retried.
            Some(
                ErrorCode::DatabaseBusy
                    | ErrorCode::DatabaseLocked
                    | ErrorCode::FileLockingProtocolFailed
            )
        )
    }

    pub(crate) fn is_full(&self) -> bool {
        self.code() == Some(ErrorCode::DiskFull)
    }

    /// Returns the error of a call that wrote nothing to the file at `path`.
    pub(crate) fn at(self, path: &Path) -> StoreError {
        let path = path.to_owned();
        let error = match self {
            Self::Newer { found, supported } => {
                return StoreError::NewerFormat { found, supported };
            }
            Self::OtherProgram(application_id) => SqliteError::OtherProgram {
                path,
                application_id,
            },
            Self::UnknownObject(object) => SqliteError::UnknownObject { path, object },
            Self::Exposed(path, exposure) => SqliteError::Exposed { path, exposure },
            Self::System(error) => SqliteError::CannotOpen {
                path,
                source: error.into(),
            },
            Self::NoSharedMemory => SqliteError::NoSharedMemory { path },
            Self::Moved => SqliteError::Moved { path },
            Self::Sqlite(_) if self.is_busy() => SqliteError::Busy {
                path,
                source: self.into_source(),
            },
            Self::Sqlite(_) => {
                let code = self.code();
                let source = self.into_source();
                match code {
                    Some(ErrorCode::DiskFull) => SqliteError::NoRoom { path, source },
                    Some(ErrorCode::ReadOnly) => SqliteError::NotWritable { path, source },
                    Some(ErrorCode::NotADatabase) => SqliteError::NotADatabase { path, source },
                    Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                        SqliteError::CannotOpen { path, source }
                    }
                    // A missing table or column is `Unknown`; a row that is not ours has no code.
                    Some(ErrorCode::DatabaseCorrupt | ErrorCode::Unknown) | None => {
                        SqliteError::Damaged { path, source }
                    }
                    Some(_) => SqliteError::System { path, source },
                }
            }
        };
        error.into()
    }

    /// Returns the error of a failed commit: if the log has it, a recovery brings it back.
    pub(crate) fn at_commit(self, path: &Path) -> StoreError {
        // Both occur before the last frame of the log is written, without which there is no commit.
        if self.is_busy() || self.is_full() {
            return self.at(path);
        }
        StoreError::ambiguous(SqliteError::System {
            path: path.to_owned(),
            source: self.into_source(),
        })
    }

    fn into_source(self) -> BoxError {
        match self {
            Self::Sqlite(error) => Box::new(error),
            other => format!("{other:?}").into(),
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(Arc::new(error))
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::System(Arc::new(error))
    }
}
