//! The file of JSON lines.

use std::{
    fs, io,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use tokenkeeper_engine::{Audit, JsonLines};

use super::{adopt, audited};
use crate::harness::{MINUTE, World, seconds};

/// A path in the directory for temporary files, which is removed at the end.
struct Path(PathBuf);

impl Path {
    fn new(name: &str) -> Self {
        let name = format!("tokenkeeper-audit-{}-{name}.jsonl", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_file(&path);
        Self(path)
    }

    fn lines(&self) -> Vec<serde_json::Value> {
        let text = fs::read_to_string(&self.0).unwrap();
        let lines = text.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

impl Drop for Path {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_has_one_line_for_each_entry() {
    let world = World::amiqus();
    let path = Path::new("append");
    for _ in 0..2 {
        let accounts = audited(&world, JsonLines::append(&path.0).unwrap());
        adopt(&world.account_of(&accounts), 2).await;
        accounts.shutdown(MINUTE).await.unwrap();
    }
    let lines = path.lines();
    assert_eq!(lines.len(), 4, "{lines:#?}");
    assert!(lines.iter().all(|line| line["event"] == "adopted"));
    assert_eq!(lines[0]["account"], lines[3]["account"]);
    assert_ne!(lines[0]["process"], lines[3]["process"]);
    assert_eq!([&lines[1]["sequence"], &lines[2]["sequence"]], [2, 1]);
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_is_for_its_owner_only() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    let path = Path::new("mode");
    drop(JsonLines::append(&path.0).unwrap());
    let mode = fs::metadata(&path.0).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let link = Path::new("link");
    symlink(&path.0, &link.0).unwrap();
    let error = JsonLines::append(&link.0).unwrap_err();
    assert!(error.to_string().contains("symbolic link"), "{error}");

    for mode in [0o640, 0o602] {
        fs::set_permissions(&path.0, fs::Permissions::from_mode(mode)).unwrap();
        let error = JsonLines::append(&path.0).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        assert!(error.to_string().contains("0600"), "{error}");
    }
    let error = JsonLines::append("/dev/null").unwrap_err();
    assert!(error.to_string().contains("not a regular file"), "{error}");
}

#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn a_full_disk_stops_nothing_else() {
    let world = World::amiqus();
    let full = fs::OpenOptions::new().write(true).open("/dev/full");
    let sink = JsonLines::over(full.unwrap());
    let accounts = audited(&world, Audit::new(sink).capacity(4));
    let account = world.account_of(&accounts);
    adopt(&account, 20).await;
    assert_eq!(account.token().await.unwrap().expose(), "access-19");
    let unwritten = accounts.shutdown(seconds(3)).await.unwrap_err();
    assert!(unwritten.accounts.is_empty());
    assert_eq!(unwritten.audit_entries, 20);
}

/// A disk with this much room.
#[derive(Clone, Default)]
struct Disk(Arc<Mutex<(Vec<u8>, usize)>>);

impl Disk {
    fn make_room(&self, bytes: usize) {
        self.0.lock().unwrap().1 += bytes;
    }
}

impl io::Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut disk = self.0.lock().unwrap();
        let taken = bytes.len().min(disk.1);
        if taken == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        disk.0.extend_from_slice(&bytes[..taken]);
        disk.1 -= taken;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_line_that_a_full_disk_cut_is_continued() {
    let world = World::amiqus();
    let disk = Disk::default();
    disk.make_room(300);
    let accounts = audited(
        &world,
        Audit::new(JsonLines::over(disk.clone())).capacity(2),
    );
    let account = world.account_of(&accounts);
    for _ in 0..5 {
        adopt(&account, 2).await;
        tokio::time::sleep(seconds(3)).await;
    }
    let cut = disk.0.lock().unwrap().0.clone();
    assert_eq!(cut.len(), 300, "the disk is full");
    assert_ne!(cut.last(), Some(&b'\n'), "in the middle of a line");
    disk.make_room(1 << 20);
    accounts.shutdown(MINUTE).await.unwrap();
    let text = String::from_utf8(disk.0.lock().unwrap().0.clone()).unwrap();
    let mut counted = 0;
    for line in text.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        counted += line["lost"].as_u64().unwrap_or(1);
    }
    assert_eq!(counted, 10, "{text}");
    assert!(
        text.contains("entries_lost") && text.ends_with("}\n"),
        "{text}"
    );
}

/// A disk that does not return for one write, and then does.
struct Stuck(std::sync::mpsc::Receiver<()>, Disk);

impl io::Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Returns once the test says so.
        let _ = self.0.recv();
        self.1.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_disk_that_does_not_return_stops_no_task() {
    let world = World::amiqus();
    let (release, released) = std::sync::mpsc::channel();
    let disk = Disk::default();
    disk.make_room(1 << 20);
    let sink = JsonLines::over(Stuck(released, disk.clone()));
    let accounts = audited(&world, Audit::new(sink).capacity(4));
    let account = world.account_of(&accounts);
    adopt(&account, 3).await;
    assert_eq!(account.token().await.unwrap().expose(), "access-2");
    drop(release);
    accounts.shutdown(MINUTE).await.unwrap();
    let text = String::from_utf8(disk.0.lock().unwrap().0.clone()).unwrap();
    assert_eq!(text.lines().count(), 3, "{text}");
}
