//! What may go wrong with the file.

use std::io;
use std::path::PathBuf;

use tokenkeeper_store::{BoxError, StoreError};

/// Why the file cannot be used: the source of the [`StoreError`] that a call returns.
///
/// Each names the file and says what to do. None shows a value or a subject.
///
/// ```
/// use std::error::Error as _;
/// use tokenkeeper_store_sqlite::{SqliteError, SqliteStore};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let error = SqliteStore::plaintext("/no/such/directory/accounts.db").await.unwrap_err();
/// let source = error.source().and_then(|source| source.downcast_ref());
/// assert!(matches!(source, Some(SqliteError::NoDirectory { .. })));
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SqliteError {
    /// The path cannot be that of a file.
    #[error("{path:?} is not the path of a file; give the path of the database")]
    BadPath {
        /// The path as it was given.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: io::Error,
    },
    /// The directory that the file is to be in is not there.
    #[error("the directory {} does not exist; create it first", path.display())]
    NoDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// The file cannot be opened or created.
    #[error("{} cannot be opened; check that it is a file, and its permissions", path.display())]
    CannotOpen {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: BoxError,
    },
    /// The file, its directory or its file system cannot be written.
    #[error("{} or its directory cannot be written; check the permissions of both", path.display())]
    NotWritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: BoxError,
    },
    /// The file is not a SQLite database.
    #[error("{} is not a database; give another path, or restore the file from a backup", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: BoxError,
    },
    /// The file is the database of another program.
    #[error("{} is the database of another program (application id {application_id}); give another path", path.display())]
    OtherProgram {
        /// The file.
        path: PathBuf,
        /// What the file says that it is.
        application_id: i32,
    },
    /// The database is damaged.
    #[error("the database {} is damaged; restore it from a backup", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: BoxError,
    },
    /// Somebody else has been writing for longer than the [time-out](crate::SqliteOptions::busy_timeout).
    #[error("{} is being written by others for longer than the busy time-out", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: BoxError,
    },
    /// The disk is full, or the [bound](crate::SqliteOptions::max_pages) is reached. What was there is still there.
    #[error("there is no room for {}: its disk is full, or its bound is reached; make room", path.display())]
    NoRoom {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: BoxError,
    },
    /// The file was removed or replaced while it was open. What is written to it now would be lost with it.
    #[error("{} was moved, removed or replaced while it was open; put it back, or restart", path.display())]
    Moved {
        /// Where it was.
        path: PathBuf,
    },
    /// The file system does not have what the write-ahead log needs, as network file systems do not.
    #[error("{} is on a file system that cannot share memory between processes; use a local one", path.display())]
    NoSharedMemory {
        /// The file.
        path: PathBuf,
    },
    /// The system failed to read or write.
    #[error("the system failed at {}", path.display())]
    System {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: BoxError,
    },
    /// No thread could be started.
    #[error("no thread could be started for the database")]
    NoThread {
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The thread that does the work stopped before it answered.
    #[error("the thread of the database stopped before it answered")]
    Stopped,
}

impl From<SqliteError> for StoreError {
    /// As it is where nothing was written.
    fn from(error: SqliteError) -> Self {
        match error {
            SqliteError::NotWritable { .. } => Self::read_only(error),
            SqliteError::NotADatabase { .. }
            | SqliteError::OtherProgram { .. }
            | SqliteError::Damaged { .. } => Self::corrupt(error),
            SqliteError::Busy { .. }
            | SqliteError::NoRoom { .. }
            | SqliteError::Moved { .. }
            | SqliteError::System { .. }
            | SqliteError::NoThread { .. }
            | SqliteError::Stopped => Self::unavailable(error),
            SqliteError::BadPath { .. }
            | SqliteError::NoDirectory { .. }
            | SqliteError::CannotOpen { .. }
            | SqliteError::NoSharedMemory { .. } => Self::other(error),
        }
    }
}
