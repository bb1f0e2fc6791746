//! Owners and modes on Unix.

use std::fs::{self, File, Metadata, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use crate::error::Exposure;
use crate::fault::Fault;

const ROOT: u32 = 0;

/// The bit of a directory in which users can remove and rename only their own files.
const STICKY: u32 = 0o1000;

/// The rights of all but the owner.
const OTHERS: u32 = 0o077;

/// Checks that no other user can replace a file in the directory.
pub(super) fn check_directory_rights(path: &Path, metadata: &Metadata) -> Result<(), Fault> {
    check_owner(path, metadata)?;
    let mode = mode(metadata);
    // A group with the number of its user has, by convention, no other member. Systems that give
    // each user a group let it write in new directories by default.
    let is_private_group = metadata.gid() == metadata.uid();
    let others = if is_private_group { 0o002 } else { 0o022 };
    if mode & others != 0 && mode & STICKY == 0 {
        return Err(Fault::Exposed(path.to_owned(), Exposure::Writable { mode }));
    }
    Ok(())
}

/// Checks that the file is this user's and that no other user can write it.
pub(super) fn check_file_rights(path: &Path, metadata: &Metadata) -> Result<(), Fault> {
    check_owner(path, metadata)?;
    let mode = mode(metadata);
    // What else is wrong with a directory or a device is reported by SQLite.
    if metadata.is_file() && mode & 0o022 != 0 {
        return Err(Fault::Exposed(path.to_owned(), Exposure::Writable { mode }));
    }
    Ok(())
}

/// Takes all rights to the file from others, and returns the mode that it had if they had any.
pub(super) fn close_to_others(path: &Path, metadata: &Metadata) -> Result<Option<u32>, Fault> {
    let mode = mode(metadata);
    if mode & OTHERS == 0 {
        return Ok(None);
    }
    let closed = fs::set_permissions(path, Permissions::from_mode(mode & !OTHERS))
        .and_then(|()| fs::symlink_metadata(path));
    match closed {
        Ok(metadata) if metadata.mode() & OTHERS == 0 => Ok(Some(mode)),
        // The last connection of another process has removed its log meanwhile.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Some(mode)),
        // The file is another user's, or its file system keeps no modes.
        Ok(_) | Err(_) => Err(Fault::Exposed(path.to_owned(), Exposure::Readable { mode })),
    }
}

fn check_owner(path: &Path, metadata: &Metadata) -> Result<(), Fault> {
    let owner = metadata.uid();
    if owner == ROOT || owner == own_id()? {
        return Ok(());
    }
    let exposure = Exposure::OtherOwner { owner };
    Err(Fault::Exposed(path.to_owned(), exposure))
}

fn mode(metadata: &Metadata) -> u32 {
    metadata.mode() & 0o7777
}

/// Returns the id of the user of this process: the owner of a pipe that it creates.
///
/// The standard library has no call for it.
fn own_id() -> io::Result<u32> {
    let (pipe, _) = io::pipe()?;
    Ok(File::from(OwnedFd::from(pipe)).metadata()?.uid())
}
