//! Rules: the order of due listings, and their cursors. A store that does not declare the order
//! keeps the rules.

use std::time::{Duration, SystemTime};

use super::listing::listed;
use super::subject::{entry, key};
use super::violation::ensure;
use super::{Subject, Violation};
use crate::{Cursor, Filter};

/// How many due times there are, and how many entries have each of them.
const TIMES: u32 = 12;
const TIES: u32 = 4;

/// A listing of due entries has the earliest first, across all its pages, and each once, even if
/// many are due at the same time.
pub async fn listing_has_the_earliest_due_first(subject: Subject) -> Result<(), Violation> {
    if !subject.lists_by_due_time() {
        return Ok(());
    }
    let mut wanted: Vec<(SystemTime, String)> = Vec::new();
    // The steps have no common divisor with the count, so neither the order of the keys nor that
    // of the writes is the order of the due times.
    for number in (0..TIMES * TIES).map(|number| number * 29 % (TIMES * TIES)) {
        let due = entry("").with_due(subject.now() - Duration::from_secs(60) * (1 + number / TIES));
        let name = format!("due-{}", number * 7 % (TIMES * TIES));
        wanted.extend(due.due.map(|time| (time, name.clone())));
        let _ = subject.store().put(&key(&name), &due, None).await?;
    }
    // Other entries between them, which are not due.
    for number in 0..TIMES {
        let later = entry("").with_due(subject.now() + Duration::from_secs(60) * (1 + number));
        let name = format!("later-{number}");
        let _ = subject.store().put(&key(&name), &later, None).await?;
    }
    for limit in [1, 3, 1_000] {
        let filter = Filter::DueBefore(subject.now());
        let keys = listed(&subject, filter, limit).await?.unwrap_or_default();
        let due = |subject: &str| wanted.iter().find(|(_, name)| name == subject);
        let mut found: Vec<(SystemTime, String)> = keys
            .iter()
            .filter_map(|key| due(key.subject()).cloned())
            .collect();
        ensure!(
            found.is_sorted_by_key(|(time, _)| *time),
            "due entries by pages of {limit} came in another order than that of their due times: \
             {found:?}"
        );
        found.sort();
        wanted.sort();
        ensure!(
            found == wanted && keys.len() == wanted.len(),
            "due entries by pages of {limit}: found {found:?}, wanted {wanted:?}"
        );
    }
    Ok(())
}

/// A listing of due entries continues at a cursor of an earlier one, with a later time, even if the
/// entries before the cursor are due later by now: it returns what the earlier one had left, then
/// what became due since.
pub async fn due_listing_continues_at_a_later_time(subject: Subject) -> Result<(), Violation> {
    if !subject.lists_by_due_time() {
        return Ok(());
    }
    let (store, now) = (subject.store(), subject.now());
    let second = Duration::from_secs(1);
    let due = |name: &str, due| (key(name), entry("").with_due(due));
    let first = ["d", "a", "f", "b", "e", "c"];
    for (name, number) in first.iter().zip(1..) {
        let (key, entry) = due(name, now - 10 * second + second * number);
        let _ = store.put(&key, &entry, None).await?;
    }
    let later = ["i", "g", "h"];
    for (name, number) in later.iter().zip(1..) {
        let (key, entry) = due(name, now + second * number);
        let _ = store.put(&key, &entry, None).await?;
    }
    // What the first pages return is refreshed, so that it is due again after everything else.
    let (mut cursor, mut done): (Option<Cursor>, Vec<String>) = (None, Vec::new());
    while done.len() < 4 {
        let page = store.list(Filter::DueBefore(now), cursor, 2).await?;
        for key in &page.keys {
            let Some(listed) = store.get(key).await? else {
                continue;
            };
            let next = entry("").with_due(now + 3_600 * second);
            let _ = store.put(key, &next, Some(listed.version)).await?;
        }
        done.extend(page.keys.iter().map(|key| key.subject().to_owned()));
        cursor = page.next;
        ensure!(
            cursor.is_some(),
            "a listing of six due entries by pages of two ends after {done:?}"
        );
    }
    let mut rest = Vec::new();
    while let Some(at) = cursor {
        let time = Filter::DueBefore(now + 60 * second);
        let page = store.list(time, Some(at), 2).await?;
        rest.extend(page.keys.iter().map(|key| key.subject().to_owned()));
        cursor = page.next;
        ensure!(rest.len() < 100, "a listing has no end");
    }
    let all: Vec<&str> = done.iter().chain(&rest).map(String::as_str).collect();
    ensure!(
        all == [&first[..], &later[..]].concat(),
        "continued with a later time, a listing of due entries returned {rest:?} after {done:?}"
    );
    Ok(())
}
