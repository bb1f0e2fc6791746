//! Rules: listing. A store that does not list keeps them by saying so.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use super::subject::{entry, key};
use super::violation::ensure;
use super::{Subject, Violation};
use crate::{Cursor, Filter, Key, StoreError, TokenStore};

const MILLISECOND: Duration = Duration::from_millis(1);

/// The prefix of the subjects that are deleted again.
const PASSING: &str = "P";

/// While others write, a listing of all keys sees each key that stays exactly once, and no key
/// twice that is never deleted; no page is longer than its limit.
pub async fn listing_sees_each_key_once_under_writes(subject: Subject) -> Result<(), Violation> {
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
        // One write of each kind between any two pages, however far the other task gets.
        write_some(
            &**store,
            &stable[pages % stable.len()],
            pages,
            "between",
            subject.now(),
        )
        .await?;
        let Some((keys, next)) = page(&subject, Filter::All, cursor, 7).await? else {
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
                "a key that stayed was listed {times} times: {}",
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

/// A listing by due time has the entries that are due before it, to the millisecond, and no others.
pub async fn listing_returns_due_entries(subject: Subject) -> Result<(), Violation> {
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
    expect_listing(&subject, Filter::DueBefore(time), &due).await?;
    due.push("same".into());
    expect_listing(
        &subject,
        Filter::DueBefore(time + Duration::from_micros(1)),
        &due,
    )
    .await?;
    due.push("late".into());
    expect_listing(
        &subject,
        Filter::DueBefore(time + Duration::from_secs(60)),
        &due,
    )
    .await
}

/// A listing by attention has the entries with the mark, and no others.
pub async fn listing_returns_entries_that_need_attention(
    subject: Subject,
) -> Result<(), Violation> {
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
    expect_listing(&subject, Filter::Attention, &marked).await
}

/// Listings follow puts and deletes; a write that met a conflict changes none.
pub async fn listing_follows_writes(subject: Subject) -> Result<(), Violation> {
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
    expect_listing(&subject, soon, &["removed"]).await?;
    expect_listing(&subject, Filter::Attention, &["removed"]).await?;
    let _ = store.delete(&changed, first.version).await?;
    let _ = store.delete(&removed, first.version).await?;
    expect_listing(&subject, soon, &[] as &[&str]).await?;
    expect_listing(&subject, Filter::Attention, &[] as &[&str]).await?;
    expect_listing(&subject, Filter::All, &["changed"]).await
}

/// A store that does not list returns [`StoreError::Unsupported`] for every filter; one that does
/// lists nothing while it is empty.
pub async fn listing_unsupported_is_a_typed_error(subject: Subject) -> Result<(), Violation> {
    for filter in [
        Filter::All,
        Filter::DueBefore(subject.now()),
        Filter::Attention,
    ] {
        if let Some((keys, _)) = page(&subject, filter, None, 10).await? {
            ensure!(keys.is_empty(), "an empty store lists {} keys", keys.len());
        }
    }
    Ok(())
}

/// One page, or `None` if the store does not list and need not.
async fn page(
    subject: &Subject,
    filter: Filter,
    cursor: Option<Cursor>,
    limit: usize,
) -> Result<Option<(Vec<Key>, Option<Cursor>)>, Violation> {
    match subject.store().list(filter, cursor, limit).await {
        Ok(page) => {
            ensure!(
                page.keys.len() <= limit,
                "a page of at most {limit} keys has {}",
                page.keys.len()
            );
            Ok(Some((page.keys, page.next)))
        }
        Err(StoreError::Unsupported(_)) if !subject.lists() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// All pages, or `None` if the store does not list and need not.
pub(super) async fn listed(
    subject: &Subject,
    filter: Filter,
    limit: usize,
) -> Result<Option<Vec<Key>>, Violation> {
    let (mut found, mut cursor) = (Vec::new(), None);
    for _ in 0..10_000 {
        let Some((keys, next)) = page(subject, filter, cursor, limit).await? else {
            return Ok(None);
        };
        found.extend(keys);
        cursor = next;
        if cursor.is_none() {
            return Ok(Some(found));
        }
    }
    Err(Violation::new("a listing has no end"))
}

/// Checks that a listing by pages of any size has exactly these subjects, each once.
async fn expect_listing(
    subject: &Subject,
    filter: Filter,
    wanted: &[impl AsRef<str>],
) -> Result<(), Violation> {
    for limit in [1, 3, 1_000] {
        let Some(keys) = listed(subject, filter, limit).await? else {
            return Ok(());
        };
        let mut found: Vec<&str> = keys.iter().map(Key::subject).collect();
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

/// Changes a key that stays, adds two keys, adds one to delete and deletes an earlier such one.
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
    // Some sort before the keys that stay and some after them, both by text and by length.
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
