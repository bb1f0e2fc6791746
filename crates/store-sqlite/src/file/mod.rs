//! The file: its path, its permissions, and whether it is still the file that was opened.

mod guard;
#[cfg(unix)]
mod rights;

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use tokenkeeper_store::StoreError;

use self::guard::check_directory;
pub(crate) use self::guard::{check_files, close_files};
use crate::error::SqliteError;
use crate::fault::Fault;
use crate::settings::Settings;

/// Returns the absolute path: SQLite gives an empty one, `:memory:` and `file:` a special meaning.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, StoreError> {
    std::path::absolute(path).map_err(|source| {
        StoreError::from(SqliteError::BadPath {
            path: path.to_owned(),
            source,
        })
    })
}

/// Returns the settings for the file that the path leads to, in a directory that has been checked.
///
/// SQLite then refuses each symbolic link in the path.
pub(crate) fn locate(settings: &Settings) -> Result<Settings, StoreError> {
    let path = resolve(settings).map_err(|error| not_opened(&settings.path, error))?;
    let settings = Settings {
        path,
        ..settings.clone()
    };
    check_directory(&settings).map_err(|fault| fault.at(&settings.path))?;
    Ok(settings)
}

#[cfg(unix)]
fn resolve(settings: &Settings) -> io::Result<PathBuf> {
    let path = &settings.path;
    if settings.follow_symlinks && path.is_symlink() {
        return fs::canonicalize(path);
    }
    match (path.parent(), path.file_name()) {
        (Some(directory), Some(name)) => Ok(fs::canonicalize(directory)?.join(name)),
        _ => Ok(path.clone()),
    }
}

/// Leaves the path as it is: on Windows a canonical path has another form.
#[cfg(not(unix))]
fn resolve(settings: &Settings) -> io::Result<PathBuf> {
    Ok(settings.path.clone())
}

/// Creates an empty file that only its owner may read, unless one exists.
///
/// SQLite gives the `-wal` and `-shm` files the same permissions.
pub(crate) fn create(path: &Path) -> Result<(), StoreError> {
    // Closing a file drops every lock that the process holds on it. A file that is created here has
    // no locks, as long as no other thread opens it before it is closed again.
    static CREATING: Mutex<()> = Mutex::new(());
    let _creating = CREATING.lock().unwrap_or_else(PoisonError::into_inner);
    let created = private().open(path).and_then(|file| {
        file.sync_all()?;
        sync_directory(path)
    });
    match created {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(not_opened(path, error).into())
        }
        _ => Ok(()),
    }
}

/// The identity of the opened file, which tells it from a later file at the same path.
///
/// A write to a file that was removed while it was open is lost when the last process closes it,
/// and SQLite does not notice.
#[derive(Debug)]
pub(crate) struct OpenedFile {
    /// The path that the application gave. A link in it may lead elsewhere later.
    given: PathBuf,
    path: PathBuf,
    identity: Option<(u64, u64)>,
}

impl OpenedFile {
    /// Remembers the file at `path`, which `given` leads to.
    pub(crate) fn new(given: &Path, path: &Path) -> Result<Self, StoreError> {
        let identity = identity(path).map_err(|_| Fault::Moved.at(path))?;
        let file = Self {
            given: given.to_owned(),
            path: path.to_owned(),
            identity,
        };
        file.check().map_err(|fault| fault.at(path))?;
        Ok(file)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Checks that it is still at its path.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        match identity(&self.given) {
            Ok(found) if found == self.identity => Ok(()),
            _ => Err(Fault::Moved),
        }
    }
}

/// Returns device and inode; `None` on systems without them.
fn identity(path: &Path) -> io::Result<Option<(u64, u64)>> {
    let metadata = fs::metadata(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        Ok(Some((metadata.dev(), metadata.ino())))
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        Ok(None)
    }
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options
}

/// Makes the new file's name durable: a power loss could otherwise lose it with all its data.
fn sync_directory(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(directory) if cfg!(unix) => File::open(directory)?.sync_all(),
        _ => Ok(()),
    }
}

/// Returns the meaning of an error of the system at `path` or its directory.
fn not_opened(path: &Path, error: io::Error) -> SqliteError {
    let directory = path.parent().unwrap_or(path);
    let path = path.to_owned();
    match error.kind() {
        io::ErrorKind::NotFound if !directory.exists() => SqliteError::NoDirectory {
            path: directory.to_owned(),
        },
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            SqliteError::NotWritable {
                path,
                source: error.into(),
            }
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => SqliteError::NoRoom {
            path,
            source: error.into(),
        },
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidFilename => SqliteError::BadPath {
            path,
            source: error,
        },
        _ => SqliteError::CannotOpen {
            path,
            source: error.into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_is_special_to_sqlite() {
        for name in [":memory:", "file:x?mode=memory", "accounts.db"] {
            let path = absolute(Path::new(name)).expect("a path");
            assert!(path.is_absolute() && path.ends_with(name), "{path:?}");
        }
        assert!(absolute(Path::new("")).is_err());
    }
}
