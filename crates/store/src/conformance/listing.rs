//! Rules: listing and watching. A store that lists nothing keeps them by saying so.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use super::subject::{entry, key};
use super::violation::ensure;
use super::{Subject, Violation};
use crate::{Cursor, Filter, Key, StoreError, TokenStore};

const MILLISECOND: Duration = Duration::from_millis(1);

/// How the subjects begin that are deleted again.
const PASSING: &str = "P";

/// While others write, a listing of all sees each key that is there throughout once, and no key twice that is never
/// deleted; no page is longer than was asked for.
pub async fn listing_sees_each_key_once_under_writes(subject: &Subject) -> Result<(), Violation> {
    let store = subject.store();
    let stable: Vec<Key> = (0..60)
        .map(|number| key(&format!("stable-{number}")))
        .collect();
    for key in &stable {
        let _ = store.put(key, &entry("first"), None).await?;
    }
    let stop = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn(write_until(
        stop.clone(),
        store.clone(),
        stable.clone(),
        subject.now(),
    ));

    let mut seen: HashMap<Key, usize> = HashMap::new();
    let mut cursor = None;
    let mut supported = true;
    for pages in 0.. {
        ensure!(pages < 10_000, "a listing has no end");
        // One write of each kind between any two pages, whatever the other task gets to do.
        write_some(
            &**store,
            &stable[pages % stable.len()],
            pages,
            "between",
            subject.now(),
        )
        .await?;
        let Some((keys, next)) = page(&**store, Filter::All, cursor, 7).await? else {
            supported = false;
            break;
        };
        for key in keys {
            *seen.entry(key).or_default() += 1;
        }
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    stop.store(true, Ordering::Relaxed);
    writer.await.map_err(StoreError::other)??;
    if supported {
        for key in &stable {
            let times = seen.get(key).copied().unwrap_or_default();
            ensure!(
                times == 1,
                "a key that was there throughout was listed {times} times: {}",
                key.subject()
            );
        }
        let twice = seen
            .iter()
            .find(|(key, times)| **times > 1 && !key.subject().starts_with(PASSING));
        ensure!(
            twice.is_none(),
            "a key that was never deleted was listed twice: {twice:?}"
        );
    }
    Ok(())
}

/// A listing of what is due before a time has those whose time is before it, to the millisecond, and no others.
pub async fn listing_returns_what_is_due(subject: &Subject) -> Result<(), Violation> {
    let (store, time) = (subject.store(), subject.now() + Duration::from_secs(3_600));
    let time = entry("").with_due(time).due.unwrap_or(time);
    for number in 0..20 {
        let early = entry("early").with_due(time - MILLISECOND * (number + 1));
        let _ = store
            .put(&key(&format!("early-{number}")), &early, None)
            .await?;
    }
    let _ = store
        .put(&key("same"), &entry("same").with_due(time), None)
        .await?;
    let _ = store
        .put(
            &key("late"),
            &entry("late").with_due(time + MILLISECOND),
            None,
        )
        .await?;
    let _ = store
        .put(&key("never"), &entry("never").with_attention(true), None)
        .await?;
    let mut due: Vec<String> = (0..20).map(|number| format!("early-{number}")).collect();
    expect_listing(&**store, Filter::DueBefore(time), &due).await?;
    due.push("same".into());
    expect_listing(
        &**store,
        Filter::DueBefore(time + Duration::from_micros(1)),
        &due,
    )
    .await?;
    due.push("late".into());
    expect_listing(
        &**store,
        Filter::DueBefore(time + Duration::from_secs(60)),
        &due,
    )
    .await
}

/// A listing of what needs attention has those with the mark, and no others.
pub async fn listing_returns_what_needs_attention(subject: &Subject) -> Result<(), Violation> {
    let store = subject.store();
    for number in 0..20 {
        let marked = number % 2 == 0;
        let entry = entry("value")
            .with_attention(marked)
            .with_due(subject.now());
        let _ = store
            .put(&key(&format!("{marked}-{number}")), &entry, None)
            .await?;
    }
    let marked: Vec<String> = (0..20)
        .step_by(2)
        .map(|number| format!("true-{number}"))
        .collect();
    expect_listing(&**store, Filter::Attention, &marked).await
}

/// What a put changed or a delete removed is listed as it is now; a write that met a conflict changes no listing.
pub async fn listing_follows_the_writes(subject: &Subject) -> Result<(), Violation> {
    let (store, now) = (subject.store(), subject.now());
    let soon = Filter::DueBefore(now + Duration::from_secs(60));
    let (changed, removed) = (key("changed"), key("removed"));
    let first = entry("first").with_due(now).with_attention(true);
    for key in [&changed, &removed] {
        let _ = store.put(key, &first, None).await?;
    }
    let second = entry("second").with_due(now + Duration::from_secs(3_600));
    let _ = store.put(&changed, &second, Some(first.version)).await?;
    let _ = store.put(&changed, &first, Some(first.version)).await?;
    expect_listing(&**store, soon, &["removed"]).await?;
    expect_listing(&**store, Filter::Attention, &["removed"]).await?;
    let _ = store.delete(&changed, first.version).await?;
    let _ = store.delete(&removed, first.version).await?;
    expect_listing(&**store, soon, &[] as &[&str]).await?;
    expect_listing(&**store, Filter::Attention, &[] as &[&str]).await?;
    expect_listing(&**store, Filter::All, &["changed"]).await
}

/// A store that does not list says [`StoreError::Unsupported`], for every filter; one that does has an empty listing of
/// an empty store.
pub async fn listing_unsupported_is_a_typed_error(subject: &Subject) -> Result<(), Violation> {
    for filter in [
        Filter::All,
        Filter::DueBefore(subject.now()),
        Filter::Attention,
    ] {
        match subject.store().list(filter, None, 10).await {
            Ok(page) => ensure!(
                page.keys.is_empty(),
                "an empty store lists {} keys",
                page.keys.len()
            ),
            Err(StoreError::Unsupported(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// A store that can be watched tells of a change.
pub async fn a_watcher_is_told_of_a_change(subject: &Subject) -> Result<(), Violation> {
    let Some(mut changes) = subject.store().watch() else {
        return Ok(());
    };
    let key = key("watched");
    let (mut expected, mut written) = (None, Vec::new());
    // Watching is a hint and may begin late, so the write is repeated until it is told of.
    for _ in 0..200 {
        let entry = entry("value");
        let _ = subject.store().put(&key, &entry, expected).await?;
        expected = Some(entry.version);
        written.push(entry.version);
        let told = async {
            loop {
                match poll_fn(|context| changes.as_mut().poll_next(context)).await {
                    Some(change) if change.key == key => return Some(change.version),
                    Some(_) => {}
                    None => return None,
                }
            }
        };
        match tokio::time::timeout(Duration::from_millis(50), told).await {
            Ok(Some(told)) => {
                // That of a write before, where this one is told of late.
                let ours = told.is_none_or(|version| written.contains(&version));
                ensure!(ours, "a watcher was told of {told:?}, which nobody wrote");
                return Ok(());
            }
            Ok(None) => return Err(Violation::new("the stream of changes ended")),
            Err(_) => {}
        }
    }
    Err(Violation::new("a watcher was told of none of 200 writes"))
}

/// One page, or `None` if the store does not list.
async fn page(
    store: &dyn TokenStore,
    filter: Filter,
    cursor: Option<Cursor>,
    limit: usize,
) -> Result<Option<(Vec<Key>, Option<Cursor>)>, Violation> {
    match store.list(filter, cursor, limit).await {
        Ok(page) => {
            ensure!(
                page.keys.len() <= limit,
                "a page of at most {limit} keys has {}",
                page.keys.len()
            );
            Ok(Some((page.keys, page.next)))
        }
        Err(StoreError::Unsupported(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// That a listing, whatever its pages, has exactly these subjects, each once.
async fn expect_listing(
    store: &dyn TokenStore,
    filter: Filter,
    wanted: &[impl AsRef<str>],
) -> Result<(), Violation> {
    for limit in [1, 3, 1_000] {
        let (mut found, mut cursor) = (Vec::new(), None);
        for pages in 0.. {
            ensure!(pages < 10_000, "a listing has no end");
            let Some((keys, next)) = page(store, filter, cursor, limit).await? else {
                return Ok(());
            };
            found.extend(keys.iter().map(|key| key.subject().to_owned()));
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
        found.sort_unstable();
        let mut wanted: Vec<&str> = wanted.iter().map(AsRef::as_ref).collect();
        wanted.sort_unstable();
        ensure!(
            found == wanted,
            "{filter:?} by pages of {limit}: found {found:?}, wanted {wanted:?}"
        );
    }
    Ok(())
}

async fn write_until(
    stop: Arc<AtomicBool>,
    store: Arc<dyn TokenStore>,
    stable: Vec<Key>,
    now: SystemTime,
) -> Result<(), StoreError> {
    for round in 0..2_000 {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        write_some(
            &*store,
            &stable[(round * 7) % stable.len()],
            round,
            "meanwhile",
            now,
        )
        .await?;
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// Changes a key that stays, adds two, adds one that passes and deletes the last such.
async fn write_some(
    store: &dyn TokenStore,
    stays: &Key,
    round: usize,
    name: &str,
    now: SystemTime,
) -> Result<(), StoreError> {
    if let Some(found) = store.get(stays).await? {
        let next = entry("next")
            .with_due(now + MILLISECOND * (round as u32))
            .with_attention(round.is_multiple_of(2));
        let _ = store.put(stays, &next, Some(found.version)).await?;
    }
    // Some sort before those that stay and some behind, whether by text or by length.
    if round < 40 {
        for subject in [
            format!("a{name}{round}"),
            format!("zzz-added-by-{name}-{round}"),
        ] {
            let _ = store.put(&key(&subject), &entry("added"), None).await?;
        }
    }
    let before = key(&format!("{PASSING}{name}{}", (round + 4) % 5));
    if let Some(found) = store.get(&before).await? {
        let _ = store.delete(&before, found.version).await?;
    }
    let _ = store
        .put(
            &key(&format!("{PASSING}{name}{}", round % 5)),
            &entry("passing"),
            None,
        )
        .await?;
    Ok(())
}
