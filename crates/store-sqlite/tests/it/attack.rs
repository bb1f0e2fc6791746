//! Other users of the machine plant files, or use what is open to them.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};

use tokenkeeper_store::{StoreError, TokenStore};
use tokenkeeper_store_sqlite::{Exposure, SqliteError, SqliteOptions, SqliteStore};

use crate::bad_input::filled;
use crate::support::{Directory, cause, entry, key, keyring};

/// Another user, who is neither this one nor root.
const ATTACKER: u32 = 65_533;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

fn append(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Only root can give a file to another user.
fn is_root(directory: &Directory) -> bool {
    fs::metadata(directory.path()).unwrap().uid() == 0
}

/// Checks that no way of opening the file works, because of `exposed`, and that it stays as it was.
async fn refused(path: &Path, exposed: &Path) -> Exposure {
    let before = fs::read(path).ok();
    let error = SqliteStore::open(path, keyring()).await.unwrap_err();
    assert!(matches!(error, StoreError::Other { .. }), "{error:?}");
    let plaintext = SqliteStore::open_plaintext(path).await.unwrap_err();
    let compacted = SqliteOptions::new(path).compact().await.unwrap_err();
    let [exposure, second, third] = [&error, &plaintext, &compacted].map(|error| {
        let SqliteError::Exposed { path, exposure, .. } = cause(error, exposed) else {
            panic!("{error:?}");
        };
        assert_eq!(path, exposed);
        *exposure
    });
    assert_eq!([exposure, exposure], [second, third]);
    assert_eq!(fs::read(path).ok(), before, "it was touched");
    exposure
}

async fn opens(path: &Path) {
    let store = SqliteStore::open_plaintext(path).await.unwrap();
    assert!(store.get(&key("user-7")).await.unwrap().is_some());
}

#[tokio::test]
async fn others_can_no_longer_read_an_existing_file() {
    let directory = Directory::new();
    let path = filled(&directory, |_| {}).await;
    for readable in [0o644, 0o640, 0o604] {
        set_mode(&path, readable);
        let store = SqliteStore::open(&path, keyring()).await.unwrap();
        for suffix in ["", "-wal", "-shm"] {
            assert_eq!(mode(&append(&path, suffix)), 0o600, "{readable:o} {suffix}");
        }
        drop(store);
        opens(&path).await;
    }
}

#[tokio::test]
async fn a_log_that_others_could_read_is_closed_to_them() {
    let directory = Directory::new();
    let path = filled(&directory, |_| {}).await;
    let _first = SqliteStore::open_plaintext(&path).await.unwrap();
    for suffix in ["", "-wal", "-shm"] {
        set_mode(&append(&path, suffix), 0o644);
    }
    opens(&path).await;
    for suffix in ["", "-wal", "-shm"] {
        assert_eq!(mode(&append(&path, suffix)), 0o600, "{suffix}");
    }
}

#[tokio::test]
async fn a_file_that_others_could_write_is_refused() {
    let directory = Directory::new();
    let path = filled(&directory, |_| {}).await;
    for writable in [0o666, 0o660, 0o620, 0o602] {
        set_mode(&path, writable);
        let exposure = refused(&path, &path).await;
        assert_eq!(exposure, Exposure::Writable { mode: writable });
        assert!(exposure.to_string().contains("chmod"), "{exposure}");
        assert_eq!(mode(&path), writable);
    }
    set_mode(&path, 0o600);
    opens(&path).await;
}

#[tokio::test]
async fn the_rights_of_another_programs_file_are_left_alone() {
    let directory = Directory::new();
    let other = rusqlite::Connection::open(directory.database()).unwrap();
    other.execute_batch("CREATE TABLE notes (text)").unwrap();
    drop(other);
    set_mode(&directory.database(), 0o644);
    assert!(
        SqliteStore::open_plaintext(directory.database())
            .await
            .is_err()
    );
    assert_eq!(mode(&directory.database()), 0o644);
}

#[tokio::test]
async fn a_planted_journal_or_log_is_refused() {
    let directory = Directory::new();
    let path = filled(&directory, |_| {}).await;
    for suffix in ["-wal", "-shm", "-journal"] {
        let planted = append(&path, suffix);
        fs::write(&planted, "planted").unwrap();
        set_mode(&planted, 0o666);
        let exposure = refused(&path, &planted).await;
        assert_eq!(exposure, Exposure::Writable { mode: 0o666 });
        if is_root(&directory) {
            set_mode(&planted, 0o600);
            chown(&planted, Some(ATTACKER), None).unwrap();
            let exposure = refused(&path, &planted).await;
            assert_eq!(exposure, Exposure::OtherOwner { owner: ATTACKER });
        }
        fs::remove_file(&planted).unwrap();
    }
    opens(&path).await;
}

#[tokio::test]
async fn another_users_file_or_directory_is_refused() {
    let directory = Directory::new();
    if !is_root(&directory) {
        return;
    }
    let path = filled(&directory, |_| {}).await;
    let owned = Exposure::OtherOwner { owner: ATTACKER };
    chown(&path, Some(ATTACKER), None).unwrap();
    assert_eq!(refused(&path, &path).await, owned);
    chown(&path, Some(0), None).unwrap();
    chown(directory.path(), Some(ATTACKER), None).unwrap();
    assert_eq!(refused(&path, directory.path()).await, owned);
    let missing = directory.path().join("missing.db");
    assert_eq!(refused(&missing, directory.path()).await, owned);
    assert!(!missing.exists());
    let trusting = SqliteOptions::new(&path).trust_permissions(true);
    trusting.open_plaintext().await.unwrap();
}

#[tokio::test]
async fn a_directory_that_others_can_write_is_refused() {
    let directory = Directory::new();
    let missing = directory.path().join("missing.db");
    let path = filled(&directory, |_| {}).await;
    for writable in [0o777, 0o2777, 0o707] {
        set_mode(directory.path(), writable);
        let exposure = refused(&path, directory.path()).await;
        assert_eq!(exposure, Exposure::Writable { mode: writable });
        refused(&missing, directory.path()).await;
        assert!(!missing.exists());
    }
    let trusting = SqliteOptions::new(&path).trust_permissions(true);
    trusting.open_plaintext().await.unwrap();

    // Others cannot replace a file in it.
    set_mode(directory.path(), 0o1777);
    opens(&path).await;
}

#[tokio::test]
async fn a_shared_group_can_write_no_directory() {
    let directory = Directory::new();
    if !is_root(&directory) {
        return;
    }
    let path = filled(&directory, |_| {}).await;
    set_mode(directory.path(), 0o775);
    // As the group of a user alone has the user's number.
    opens(&path).await;
    chown(directory.path(), None, Some(ATTACKER)).unwrap();
    let exposure = refused(&path, directory.path()).await;
    assert_eq!(exposure, Exposure::Writable { mode: 0o775 });
}

#[tokio::test]
async fn a_planted_link_is_refused_and_its_target_untouched() {
    let directory = Directory::new();
    let path = filled(&directory, |_| {}).await;
    let (link, missing) = (directory.database(), directory.path().join("missing.db"));
    fs::remove_file(&link).unwrap();
    for target in [&path, &missing] {
        symlink(target, &link).unwrap();
        assert_eq!(refused(&link, &link).await, Exposure::SymbolicLink);
        let trusting = SqliteOptions::new(&link).trust_permissions(true);
        assert!(trusting.open_plaintext().await.is_err());
        fs::remove_file(&link).unwrap();
    }
    assert!(!missing.exists());
    fs::write(&missing, "the diary of a user").unwrap();
    for suffix in ["-wal", "-shm", "-journal"] {
        let link = append(&path, suffix);
        symlink(&missing, &link).unwrap();
        assert_eq!(refused(&path, &link).await, Exposure::SymbolicLink);
        fs::remove_file(&link).unwrap();
    }
    assert_eq!(fs::read(&missing).unwrap(), b"the diary of a user");
}

#[tokio::test]
async fn a_link_is_followed_by_choice() {
    let directory = Directory::new();
    let path = filled(&directory, |_| {}).await;
    let link = directory.path().join("link.db");
    symlink(&path, &link).unwrap();
    let following = || SqliteOptions::new(&link).follow_symlinks(true);
    let store = following().open_plaintext().await.unwrap();
    let _ = store.put(&key("linked"), &entry("a"), None).await.unwrap();
    let direct = SqliteStore::open_plaintext(&path).await.unwrap();
    assert!(direct.get(&key("linked")).await.unwrap().is_some());
    // The target is checked.
    set_mode(&path, 0o666);
    let error = following().open_plaintext().await.unwrap_err();
    assert!(matches!(
        cause(&error, &path),
        SqliteError::Exposed { path: named, .. } if *named == path
    ));
    // A link to nothing creates nothing.
    fs::remove_file(&link).unwrap();
    symlink(directory.path().join("missing.db"), &link).unwrap();
    let error = following().open_plaintext().await.unwrap_err();
    let cause = cause(&error, &link);
    assert!(matches!(cause, SqliteError::CannotOpen { .. }), "{cause:?}");
    assert!(!directory.path().join("missing.db").exists());
}

// As the link to the current release of an application: a write to the old file would be lost.
#[tokio::test]
async fn a_link_to_a_directory_may_not_change() {
    let [directory, next] = [Directory::new(), Directory::new()];
    let path = filled(&directory, |_| {}).await;
    fs::copy(&path, next.path().join("copy.db")).unwrap();
    let link = directory.path().join("current");
    symlink(directory.path(), &link).unwrap();
    let store = SqliteStore::open_plaintext(link.join("copy.db"))
        .await
        .unwrap();
    let put = store.put(&key("a"), &entry("a"), None).await.unwrap();
    assert!(put.is_applied());
    fs::remove_file(&link).unwrap();
    symlink(next.path(), &link).unwrap();
    let error = store.put(&key("b"), &entry("b"), None).await.unwrap_err();
    let cause = cause(&error, &path);
    assert!(matches!(cause, SqliteError::Moved { .. }), "{cause:?}");
}
