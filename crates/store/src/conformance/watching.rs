//! Rules: what watchers are told. A store that cannot be watched keeps them by saying so.

use std::collections::HashSet;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{error::Elapsed, timeout};

use super::subject::{entry, key};
use super::violation::ensure;
use super::{Subject, Violation};
use crate::{BoxStream, Change, Key, StoreError, TokenStore, Version};

/// How long the rules wait for a change that must come.
const LIMIT: Duration = Duration::from_secs(30);

/// How many changes are made before the slow watcher is read.
const BACKLOG: usize = 2_000;

/// How many writes of the backlog are in flight at once.
const WRITERS: usize = 50;

/// A watcher receives a change, with the written version or without one.
pub async fn watcher_receives_a_change(subject: Subject) -> Result<(), Violation> {
    if let Some(mut watcher) = Watcher::new(&subject)? {
        watcher.listen(&**subject.store()).await?;
    }
    Ok(())
}

/// Every watcher receives the puts and deletes of one handle, those of a key in their order.
pub async fn every_watcher_receives_puts_and_deletes(subject: Subject) -> Result<(), Violation> {
    expect_changes_at_all(&subject, subject.store()).await
}

/// Every watcher receives the changes of another process.
///
/// The other process is the [peer](Subject::with_peer).
pub async fn watcher_receives_changes_of_another_process(
    subject: Subject,
) -> Result<(), Violation> {
    expect_changes_at_all(&subject, subject.peer()).await
}

/// A write that met a conflict has changed nothing, and no watcher receives it.
pub async fn watcher_receives_no_conflict(subject: Subject) -> Result<(), Violation> {
    let store = subject.store();
    let (kept, missing) = (key("kept"), key("missing"));
    let (first, rejected, last) = (entry("first"), entry("rejected"), entry("last"));
    let _ = store.put(&kept, &first, None).await?;
    let Some(mut watcher) = Watcher::new(&subject)? else {
        return Ok(());
    };
    watcher.listen(&**store).await?;
    let _ = store.put(&kept, &rejected, None).await?;
    let _ = store.delete(&kept, rejected.version).await?;
    let _ = store.put(&missing, &rejected, Some(first.version)).await?;
    let _ = store.delete(&missing, first.version).await?;
    let _ = store.put(&kept, &last, Some(first.version)).await?;
    loop {
        let change = watcher.next().await?;
        ensure!(
            change.key != missing && change.version != Some(rejected.version),
            "a watcher received a write that met a conflict: {change:?}"
        );
        // The first put may come late, and more than once.
        if change.key == kept && change.version != Some(first.version) {
            ensure!(
                change.version.is_none_or(|version| version == last.version),
                "a watcher received a version that was never written: {change:?}"
            );
            return Ok(());
        }
    }
}

/// A watcher that was not read for a while receives every change, or its stream ends.
pub async fn slow_watcher_misses_no_change_in_silence(subject: Subject) -> Result<(), Violation> {
    let store = subject.store();
    let Some(mut watcher) = Watcher::new(&subject)? else {
        return Ok(());
    };
    watcher.listen(&**store).await?;
    let writers = (0..WRITERS).map(|writer| tokio::spawn(write_many(store.clone(), writer)));
    for writer in writers.collect::<Vec<_>>() {
        writer.await.map_err(StoreError::other)??;
    }
    let newest = key("newest");
    let _ = store.put(&newest, &entry("newest"), None).await?;
    // Changes of several keys come in any order, as from the nodes of a cluster.
    let mut missing: HashSet<Key> = (0..WRITERS).flat_map(backlog).chain([newest]).collect();
    while !missing.is_empty() {
        let Ok(change) = timeout(LIMIT, watcher.poll()).await else {
            let missed = missing.len();
            return Err(Violation::new(format!(
                "a slow watcher missed {missed} changes, and its stream goes on"
            )));
        };
        let Some(change) = change else {
            return Ok(());
        };
        missing.remove(&change.key);
    }
    Ok(())
}

/// The stream of changes ends with the last handle on the store, so that no task reads it forever.
pub async fn stream_of_changes_ends_with_the_store(subject: Subject) -> Result<(), Violation> {
    let Some(mut watcher) = Watcher::new(&subject)? else {
        return Ok(());
    };
    watcher.listen(&**subject.store()).await?;
    let _guard = subject.close();
    let end = async { while watcher.poll().await.is_some() {} };
    let ended = timeout(LIMIT, end).await;
    ensure!(
        ended.is_ok(),
        "a stream of changes goes on after the store was dropped"
    );
    Ok(())
}

/// A stream of changes, and where it comes from.
pub(super) struct Watcher {
    changes: BoxStream<'static, Change>,
    /// Tells its own probes from another watcher's.
    probe: Key,
}

impl Watcher {
    /// A watcher; `None` if the store cannot be watched, and need not.
    pub(super) fn new(subject: &Subject) -> Result<Option<Self>, Violation> {
        let probe = key(&format!("probe {:?}", Version::random()));
        let changes = subject.watch()?;
        Ok(changes.map(|changes| Self { changes, probe }))
    }

    /// Writes until the watcher receives a change: watching is a hint, and may begin late.
    pub(super) async fn listen(&mut self, store: &dyn TokenStore) -> Result<(), Violation> {
        let (mut expected, mut written) = (None, Vec::new());
        for _ in 0..200 {
            let entry = entry("probe");
            let _ = store.put(&self.probe, &entry, expected).await?;
            expected = Some(entry.version);
            written.push(entry.version);
            let told = timeout(Duration::from_millis(50), self.next_of_probe()).await;
            if let Ok(told) = told {
                // An earlier write may come late.
                let ours = told?.is_none_or(|version| written.contains(&version));
                ensure!(ours, "a watcher received a version that was never written");
                return Ok(());
            }
        }
        Err(Violation::new("a watcher received none of 200 writes"))
    }

    async fn next_of_probe(&mut self) -> Result<Option<Version>, Violation> {
        loop {
            match self.poll().await {
                Some(change) if change.key == self.probe => return Ok(change.version),
                Some(_) => {}
                None => return Err(ended()),
            }
        }
    }

    /// The next change, which must come.
    pub(super) async fn next(&mut self) -> Result<Change, Violation> {
        let late = |_: Elapsed| Violation::new("a watcher did not receive a change");
        timeout(LIMIT, self.poll())
            .await
            .map_err(late)?
            .ok_or_else(ended)
    }

    async fn poll(&mut self) -> Option<Change> {
        poll_fn(|context| self.changes.as_mut().poll_next(context)).await
    }
}

fn ended() -> Violation {
    Violation::new("the stream of changes ended")
}

/// Checks that all watchers of the subject receive the changes that `writer` makes.
async fn expect_changes_at_all(
    subject: &Subject,
    writer: &Arc<dyn TokenStore>,
) -> Result<(), Violation> {
    let (a, b) = (key("a"), key("b"));
    let mut watchers = Vec::new();
    for _ in 0..3 {
        let Some(mut watcher) = Watcher::new(subject)? else {
            return Ok(());
        };
        watcher.listen(&**writer).await?;
        watchers.push(watcher);
    }
    let (first, second) = (entry("first"), entry("second"));
    let _ = writer.put(&a, &first, None).await?;
    let _ = writer.put(&b, &second, None).await?;
    let _ = writer.delete(&a, first.version).await?;
    let wanted = [
        Change::new(a.clone(), first.version),
        Change::new(a.clone(), None),
        Change::new(b.clone(), second.version),
    ];
    for (number, watcher) in watchers.iter_mut().enumerate() {
        let mut told: Vec<Change> = Vec::new();
        // The changes of a key come in order, perhaps more than once, and perhaps without a
        // version.
        while told.len() < wanted.len() {
            let change = watcher.next().await?;
            if change.key != a && change.key != b {
                continue;
            }
            let of_key = |changes: &[Change]| -> Vec<Change> {
                let changes = changes.iter().filter(|other| other.key == change.key);
                changes.cloned().collect()
            };
            let before = of_key(&told);
            let next = of_key(&wanted).into_iter().nth(before.len());
            let is_next = next
                .as_ref()
                .is_some_and(|next| change.version.is_none() || change.version == next.version);
            ensure!(
                is_next || before.contains(&change),
                "watcher {number} received {change:?} after {before:?}, wanted {next:?}"
            );
            if is_next {
                told.push(change);
            }
        }
    }
    Ok(())
}

/// Returns the keys of one writer's part of the backlog.
fn backlog(writer: usize) -> impl Iterator<Item = Key> {
    (0..BACKLOG / WRITERS).map(move |number| key(&format!("backlog-{writer}-{number}")))
}

/// Writes one writer's part of the backlog.
async fn write_many(store: Arc<dyn TokenStore>, writer: usize) -> Result<(), StoreError> {
    for key in backlog(writer) {
        let _ = store.put(&key, &entry("value"), None).await?;
    }
    Ok(())
}
