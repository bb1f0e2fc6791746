//! Files and directories without permissions.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;

use crate::bad_input::filled;
use crate::child::start_by;
use crate::support::Directory;

/// An unprivileged user.
const USER: u32 = 65_534;

#[tokio::test]
async fn a_directory_without_write_permission_is_read_only() {
    let directory = Directory::new();
    let database = directory.database();
    assert_read_only(&report(&directory, &database, 0o555, 0o600));
    assert!(!database.exists());
}

#[tokio::test]
async fn a_database_in_such_a_directory_is_read_only() {
    let directory = Directory::new();
    let database = filled(&directory, |_| {}).await;
    assert_read_only(&report(&directory, &database, 0o555, 0o600));
}

#[tokio::test]
async fn a_file_without_write_permission_is_read_only() {
    let directory = Directory::new();
    let database = filled(&directory, |_| {}).await;
    assert_read_only(&report(&directory, &database, 0o755, 0o400));
}

#[tokio::test]
async fn a_file_without_read_permission_cannot_be_opened() {
    let directory = Directory::new();
    let database = filled(&directory, |_| {}).await;
    let report = report(&directory, &database, 0o755, 0);
    assert!(
        report.starts_with("open: Other { source: CannotOpen"),
        "{report}"
    );
}

// Without this, the other tests would prove nothing.
#[tokio::test]
async fn with_permissions_the_same_process_writes() {
    let directory = Directory::new();
    let database = filled(&directory, |_| {}).await;
    assert_eq!(report(&directory, &database, 0o755, 0o600), "put: Applied");
}

fn assert_read_only(report: &str) {
    assert!(
        report.starts_with("open: ReadOnly { source: NotWritable"),
        "{report}"
    );
}

/// Returns the report of a process that owns directory and database, bound by their
/// permissions.
fn report(directory: &Directory, database: &Path, directory_mode: u32, mode: u32) -> String {
    let is_root = fs::metadata(directory.path()).unwrap().uid() == 0;
    if is_root {
        chown(directory.path(), Some(USER), None).unwrap();
    }
    if database.exists() {
        fs::set_permissions(database, Permissions::from_mode(mode)).unwrap();
        if is_root {
            chown(database, Some(USER), None).unwrap();
        }
    }
    fs::set_permissions(directory.path(), Permissions::from_mode(directory_mode)).unwrap();
    let mut process = start_by("open_and_write", database, |command| {
        if is_root { command.uid(USER) } else { command }
    });
    let report = process.hear().expect("a report");
    // The directory could not be removed otherwise.
    fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
    report
}
