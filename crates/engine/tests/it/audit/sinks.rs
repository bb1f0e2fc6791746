//! Sinks that fail: nothing else stops, and nothing is lost in silence.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt as _, StreamExt as _};
use tokenkeeper_engine::{Audit, AuditKind, audit_channel};

use super::{Behaviour, Sink, adopt, audited, recorded};
use crate::harness::{MINUTE, World, seconds, settle};

#[tokio::test(start_paused = true)]
async fn entries_are_kept_until_the_sink_takes_them() {
    for behaviour in [Behaviour::Fails, Behaviour::Panics, Behaviour::Hangs] {
        let world = World::amiqus();
        let (accounts, account, sink) = recorded(&world);
        sink.behave(behaviour);
        adopt(&account, 5).await;
        tokio::time::sleep(MINUTE * 5).await;
        assert!(sink.entries().await.is_empty(), "{behaviour:?}");
        assert_eq!(account.token().await.unwrap().expose(), "access-4");
        sink.behave(Behaviour::Takes);
        accounts.shutdown(MINUTE).await.unwrap();
        let entries = sink.entries().await;
        let sequence: Vec<_> = entries.iter().map(|entry| entry.sequence).collect();
        assert_eq!(sequence, [1, 2, 3, 4, 5], "{behaviour:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_lost_is_counted_in_the_trail() {
    let world = World::amiqus();
    let sink = Arc::new(Sink::default());
    let accounts = audited(&world, Audit::new(sink.clone()).capacity(3));
    let account = world.account_of(&accounts);
    sink.behave(Behaviour::Fails);
    adopt(&account, 10).await;
    sink.behave(Behaviour::Takes);
    tokio::time::sleep(seconds(2)).await;
    adopt(&account, 1).await;
    let entries = sink.entries().await;
    let kinds: Vec<_> = entries.iter().map(|entry| entry.kind.clone()).collect();
    let adopted = AuditKind::Adopted;
    let lost = AuditKind::EntriesLost { count: 7 };
    let wanted = [&adopted, &adopted, &adopted, &lost, &adopted];
    assert_eq!(kinds.iter().collect::<Vec<_>>(), wanted);
    let sequence: Vec<_> = entries.iter().map(|entry| entry.sequence).collect();
    assert_eq!(sequence, [1, 2, 3, 11, 12], "the gap shows them too");
    assert!(entries[3].to_json().ends_with(r#""lost":7}"#));
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_never_reads_is_told_its_loss() {
    let world = World::amiqus();
    let (sender, mut stream) = audit_channel(2);
    let accounts = audited(&world, Audit::new(sender).capacity(3));
    let account = world.account_of(&accounts);
    adopt(&account, 100).await;
    // Nothing else stops.
    assert_eq!(account.token().await.unwrap().expose(), "access-99");
    let mut seen = Vec::new();
    for _ in 0..10 {
        while let Some(entry) = stream.next().now_or_never().flatten() {
            seen.push(entry);
        }
        settle().await;
    }
    let lost: u64 = seen
        .iter()
        .map(|entry| match entry.kind {
            AuditKind::EntriesLost { count } => count,
            _ => 0,
        })
        .sum();
    let adopted = seen.iter().filter(|entry| entry.kind == AuditKind::Adopted);
    assert_eq!(adopted.count() as u64 + lost, 100);
    assert!(lost >= 90, "{lost}");
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_counts_what_the_sink_did_not_take() {
    let world = World::amiqus();
    for behaviour in [Behaviour::Fails, Behaviour::Hangs] {
        let (accounts, account, sink) = recorded(&world);
        sink.behave(behaviour);
        adopt(&account, 3).await;
        let unwritten = accounts.shutdown(seconds(2)).await.unwrap_err();
        assert!(unwritten.accounts.is_empty());
        assert_eq!(unwritten.audit_entries, 3);
        assert_eq!(unwritten.to_string(), "3 audit entries are not written");
        sink.behave(Behaviour::Takes);
        accounts.shutdown(MINUTE).await.unwrap();
        assert_eq!(sink.entries().await.len(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_is_dropped_writes_the_rest() {
    for behaviour in [Behaviour::Fails, Behaviour::Hangs] {
        let world = World::amiqus();
        let (accounts, account, sink) = recorded(&world);
        sink.behave(behaviour);
        adopt(&account, 3).await;
        settle().await;
        sink.behave(Behaviour::Takes);
        drop((accounts, account));
        tokio::time::sleep(MINUTE).await;
        assert_eq!(sink.entries().await.len(), 3, "{behaviour:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_is_dropped_leaves_a_failing_sink() {
    let world = World::amiqus();
    let (accounts, account, sink) = recorded(&world);
    sink.behave(Behaviour::Fails);
    adopt(&account, 3).await;
    drop((accounts, account));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(Arc::strong_count(&sink), 1, "no task holds it any more");
}

#[test]
fn a_capacity_of_zero_is_refused() {
    let world = World::amiqus();
    let audit = Audit::new(Sink::default()).capacity(0);
    let error = world.builder().audit(audit).build().unwrap_err();
    assert!(error.to_string().contains("`capacity`"), "{error}");
}
