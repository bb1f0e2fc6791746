//! What the log says about the audit trail itself.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use tokenkeeper_engine::{Audit, AuditEntry, AuditSink, protocol::TokenSet, store::BoxError};
use tokenkeeper_test_support::{
    MINUTE, World,
    log::{self, take_lines},
};

/// A sink on a disk that is full at first.
#[derive(Debug, Default)]
struct Disk {
    has_room: AtomicBool,
}

#[async_trait]
impl AuditSink for Disk {
    async fn write(&self, _: &AuditEntry) -> Result<(), BoxError> {
        if self.has_room.load(Ordering::Relaxed) {
            return Ok(());
        }
        Err(std::io::Error::from(std::io::ErrorKind::StorageFull).into())
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_is_logged_once_and_so_is_its_end() {
    log::start();
    let world = World::amiqus();
    let disk = Arc::new(Disk::default());
    let audit = Audit::new(disk.clone()).capacity(10);
    let accounts = world.builder().audit(audit).build().unwrap();
    let account = world.account_of(&accounts);
    let adopt = async |count| {
        for _ in 0..count {
            account.adopt(TokenSet::new("access")).await.unwrap();
        }
    };
    adopt(100).await;
    tokio::time::sleep(MINUTE).await;
    disk.has_room.store(true, Ordering::Relaxed);
    tokio::time::sleep(MINUTE).await;
    adopt(1).await;
    tokio::time::sleep(MINUTE).await;
    let mut lines = take_lines();
    lines.retain(|line| line.contains("audit"));
    let wanted = [
        ("WARN", "audit entries are lost", "capacity=10"),
        (
            "WARN",
            "the audit trail cannot be written",
            "error=no storage space",
        ),
        ("INFO", "the audit trail is written again", "failures="),
        ("INFO", "no more audit entries are lost", "lost=90"),
    ];
    assert_eq!(lines.len(), wanted.len(), "{lines:#?}");
    for (level, message, field) in wanted {
        let found = lines.iter().any(|line| {
            line.contains(&format!(" {level} ")) && line.contains(message) && line.contains(field)
        });
        assert!(found, "{level} {message} {field}: {lines:#?}");
    }
}
