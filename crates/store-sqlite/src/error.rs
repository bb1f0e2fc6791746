//! The errors of the store.

use std::io;
use std::path::PathBuf;

use tokenkeeper_store::{BoxError, StoreError};

/// Who may hold the log, which SQLite does not know.
pub(crate) const WHO: &str = "end the processes that have it open and are not of this application, \
    such as a sqlite3 shell, a backup or a stopped process; lsof and fuser list them";

/// The reason why a file cannot be used: the source of the [`StoreError`] of a call.
///
/// Each names the file and the remedy. None shows a value or a subject.
///
/// ```
/// use std::error::Error as _;
/// use tokenkeeper_store_sqlite::{SqliteError, SqliteStore};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let path = "/no/such/directory/accounts.db";
/// let error = SqliteStore::open_plaintext(path).await.unwrap_err();
/// let source = error.source().and_then(|source| source.downcast_ref());
/// assert!(matches!(source, Some(SqliteError::NoDirectory { .. })));
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SqliteError {
    /// An option cannot be used.
    #[error("the option `{option}` cannot be used: {problem}")]
    BadOption {
        /// The option.
        option: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The path is not the path of a file.
    #[error("{path:?} is not the path of a file: give the path of the database")]
    BadPath {
        /// The given path.
        path: PathBuf,
        /// The error of the system.
        #[source]
        source: io::Error,
    },
    /// The directory of the file does not exist.
    #[error("the directory {} does not exist; create it first", path.display())]
    NoDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// The file cannot be opened or created.
    #[error(
        "{} cannot be opened: check that it is a file, and its permissions",
        path.display()
    )]
    CannotOpen {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        #[source]
        source: BoxError,
    },
    /// The file, its directory or its file system cannot be written.
    #[error(
        "{} or its directory cannot be written: check the permissions of both",
        path.display()
    )]
    NotWritable {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        #[source]
        source: BoxError,
    },
    /// The file is not a SQLite database.
    #[error(
        "{} is not a database: give another path, or restore the file from a backup",
        path.display()
    )]
    NotADatabase {
        /// The file.
        path: PathBuf,
        /// The error of SQLite.
        #[source]
        source: BoxError,
    },
    /// The file belongs to another program.
    #[error(
        "{} is the database of another program (application id {application_id}); \
         give another path",
        path.display()
    )]
    OtherProgram {
        /// The file.
        path: PathBuf,
        /// The application id in the file.
        application_id: i32,
    },
    /// The database is damaged.
    #[error("the database {} is damaged: restore it from a backup", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The error of SQLite.
        #[source]
        source: BoxError,
    },
    /// The database has a table, index, view or trigger that this crate did not create, or has
    /// changed one. None of them was run.
    #[error(
        "the database {} has the {object}, which is not of this crate: check who wrote to the \
         file, then remove it, or restore the file from a backup",
        path.display()
    )]
    UnknownObject {
        /// The file.
        path: PathBuf,
        /// The kind and the name of the object.
        object: String,
    },
    /// Another user can read, write or replace the file, a file that SQLite keeps next to it, or
    /// its directory.
    #[error("{} {exposure}", path.display())]
    Exposed {
        /// The affected file or directory.
        path: PathBuf,
        /// What was found.
        exposure: Exposure,
    },
    /// Another process held the write lock for longer than the
    /// [busy timeout](crate::SqliteOptions::busy_timeout).
    #[error(
        "{} was locked by another writer for longer than the busy timeout; try again later",
        path.display()
    )]
    Busy {
        /// The file.
        path: PathBuf,
        /// The error of SQLite.
        #[source]
        source: BoxError,
    },
    /// The disk is full, or the [limit](crate::SqliteOptions::max_pages) is reached. The old entry
    /// stays.
    #[error(
        "there is no room for {}: its disk is full, or its limit is reached; make room",
        path.display()
    )]
    NoRoom {
        /// The file.
        path: PathBuf,
        /// The error of SQLite.
        #[source]
        source: BoxError,
    },
    /// The file was removed or replaced while it was open, so a write to it would be lost.
    #[error(
        "{} was moved, removed or replaced while it was open; put it back, or restart",
        path.display()
    )]
    Moved {
        /// The path that it had.
        path: PathBuf,
    },
    /// The file system lacks the shared memory that the write-ahead log needs, as on a network.
    #[error(
        "{} is on a file system that cannot share memory between processes: use a local one",
        path.display()
    )]
    NoSharedMemory {
        /// The file.
        path: PathBuf,
    },
    /// The write-ahead log grows because a connection does not end its read transaction, or because
    /// readers overlap without a gap. Reads and writes go on until the disk is full.
    #[error(
        "the write-ahead log of {} has grown to {bytes} bytes because a reader does not end: {WHO}",
        path.display()
    )]
    LogHeld {
        /// The file.
        path: PathBuf,
        /// The size of the log, in bytes.
        bytes: u64,
    },
    /// The system failed to read or write the file.
    #[error("the system failed to read or write {}: check the disk", path.display())]
    System {
        /// The file.
        path: PathBuf,
        /// The error of SQLite.
        #[source]
        source: BoxError,
    },
    /// A thread could not be started.
    #[error("a thread for the database could not be started: check the process's limits")]
    NoThread {
        /// The error of the system.
        #[source]
        source: io::Error,
    },
    /// A thread of the store stopped before it answered.
    #[error("a thread of the store stopped before it answered; open the store again")]
    Stopped,
}

/// How another user could reach the tokens in a file: the reason of a [`SqliteError::Exposed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Exposure {
    /// The path is a symbolic link.
    #[error(
        "is a symbolic link: give the path that it leads to, or set \
         `SqliteOptions::follow_symlinks`"
    )]
    SymbolicLink,
    /// It belongs neither to the user of this process nor to root.
    #[error(
        "belongs to the user with the id {owner}: start this process as that user, or use a \
         directory that belongs to the user of this process"
    )]
    OtherOwner {
        /// The id of its owner.
        owner: u32,
    },
    /// Others may write it, and may have done so.
    #[error(
        "can be written by others (mode {mode:o}): check its content, then run `chmod go-w` on it"
    )]
    Writable {
        /// Its mode.
        mode: u32,
    },
    /// Others may read it, and its mode could not be changed.
    #[error("can be read by others (mode {mode:o}): run `chmod 600` on it as its owner")]
    Readable {
        /// Its mode.
        mode: u32,
    },
}

impl From<SqliteError> for StoreError {
    /// The error of a call that wrote nothing.
    fn from(error: SqliteError) -> Self {
        match error {
            SqliteError::NotWritable { .. } => Self::read_only(error),
            SqliteError::NotADatabase { .. }
            | SqliteError::OtherProgram { .. }
            | SqliteError::UnknownObject { .. }
            | SqliteError::Damaged { .. } => Self::corrupt(error),
            SqliteError::Busy { .. }
            | SqliteError::NoRoom { .. }
            | SqliteError::Moved { .. }
            | SqliteError::System { .. }
            | SqliteError::NoThread { .. }
            | SqliteError::Stopped => Self::unavailable(error),
            SqliteError::BadOption { .. }
            | SqliteError::BadPath { .. }
            | SqliteError::NoDirectory { .. }
            | SqliteError::CannotOpen { .. }
            | SqliteError::Exposed { .. }
            | SqliteError::NoSharedMemory { .. }
            | SqliteError::LogHeld { .. } => Self::other(error),
        }
    }
}
