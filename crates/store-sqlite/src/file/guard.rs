//! The check that no other user can read, write or replace what is opened.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

#[cfg(unix)]
use super::rights::{check_directory_rights, check_file_rights, close_to_others};
use crate::error::Exposure;
use crate::fault::Fault;
use crate::settings::Settings;

/// What SQLite appends to the name of the file: nothing, then the names of its log, the index of
/// the log, and its journal. It trusts their content as it trusts the file's.
const SUFFIXES: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// Checks that only the user of this process, and root, can replace files in the directory.
pub(super) fn check_directory(settings: &Settings) -> Result<(), Fault> {
    match settings.path.parent() {
        Some(directory) if !settings.trust_permissions => {
            check_directory_rights(directory, &fs::metadata(directory)?)
        }
        _ => Ok(()),
    }
}

/// Checks that the file, and what SQLite keeps next to it, are no links, belong to the user of this
/// process, and cannot be written by others.
pub(crate) fn check_files(settings: &Settings) -> Result<(), Fault> {
    for (path, metadata) in files(settings)? {
        if metadata.is_symlink() {
            return Err(Fault::Exposed(path, Exposure::SymbolicLink));
        }
        if !settings.trust_permissions {
            check_file_rights(&path, &metadata)?;
        }
    }
    Ok(())
}

/// Takes from others the right to read these files, with a warning if they had it.
pub(crate) fn close_files(settings: &Settings) -> Result<(), Fault> {
    if settings.trust_permissions {
        return Ok(());
    }
    let mut mode_before = None;
    for (path, metadata) in files(settings)? {
        let mode = close_to_others(&path, &metadata)?;
        mode_before = mode_before.or(mode);
    }
    if let Some(mode) = mode_before {
        tracing::warn!(
            file = %settings.path.display(),
            mode = %format_args!("{mode:o}"),
            "others could read the file of the store, and cannot any more: replace the tokens that \
             were in it without encryption"
        );
    }
    Ok(())
}

/// Returns those of the files that exist, without following links.
///
/// No descriptor is opened: closing it would drop the locks that another connection of this process
/// holds on the file.
fn files(settings: &Settings) -> io::Result<Vec<(PathBuf, Metadata)>> {
    let mut files = Vec::new();
    for suffix in SUFFIXES {
        let path = append(&settings.path, suffix);
        match fs::symlink_metadata(&path) {
            Ok(metadata) => files.push((path, metadata)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(files)
}

fn append(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Checks nothing: elsewhere than on Unix, rights are no mode.
#[cfg(not(unix))]
fn check_directory_rights(_: &Path, _: &Metadata) -> Result<(), Fault> {
    Ok(())
}

#[cfg(not(unix))]
fn check_file_rights(_: &Path, _: &Metadata) -> Result<(), Fault> {
    Ok(())
}

#[cfg(not(unix))]
fn close_to_others(_: &Path, _: &Metadata) -> Result<Option<u32>, Fault> {
    Ok(None)
}
