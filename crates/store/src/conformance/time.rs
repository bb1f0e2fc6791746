//! Rules: how long an entry is kept.

use std::time::Duration;

use super::subject::{entry, key};
use super::violation::{ensure, expect_entry};
use super::{Subject, Violation};
use crate::Outcome;

const DAY: Duration = Duration::from_secs(86_400);
const MILLISECOND: Duration = Duration::from_millis(1);

/// An entry is there until its `keep_until`. After it the store may forget the entry, for every method alike.
pub async fn kept_until_keep_until(subject: &Subject) -> Result<(), Violation> {
    let key = key("kept");
    let kept = entry("kept").with_keep_until(subject.now() + DAY);
    let _ = subject.store().put(&key, &kept, None).await?;
    expect_entry(
        "a day before keep_until",
        subject.get(&key).await?.as_ref(),
        Some(&kept),
    )?;
    if !subject.advance(DAY - MILLISECOND) {
        return Ok(());
    }
    expect_entry(
        "a millisecond before keep_until",
        subject.get(&key).await?.as_ref(),
        Some(&kept),
    )?;
    let _ = subject.advance(2 * MILLISECOND);
    let found = subject.get(&key).await?;
    let there = found.as_ref().map(|entry| entry.version);
    ensure!(
        there.is_none_or(|there| there == kept.version),
        "after keep_until another version is there"
    );
    let outcome = subject.store().put(&key, &entry("next"), there).await?;
    ensure!(
        outcome.is_applied(),
        "after keep_until, get showed {there:?} and a put at that was {outcome:?}"
    );
    Ok(())
}

/// A put replaces how long the entry is kept, too: later, earlier, or for ever.
pub async fn keep_until_is_replaced_by_the_next_put(subject: &Subject) -> Result<(), Violation> {
    let key = key("kept-longer");
    let start = subject.now();
    let day = entry("a day").with_keep_until(start + DAY);
    let week = entry("a week").with_keep_until(start + 7 * DAY);
    let ever = entry("for ever");
    let _ = subject.store().put(&key, &day, None).await?;
    let _ = subject.store().put(&key, &week, Some(day.version)).await?;
    let _ = subject.advance(2 * DAY);
    expect_entry(
        "what is kept for a week, in time",
        subject.get(&key).await?.as_ref(),
        Some(&week),
    )?;
    let _ = subject.store().put(&key, &ever, Some(week.version)).await?;
    let _ = subject.advance(3_650 * DAY);
    expect_entry(
        "what is kept for ever",
        subject.get(&key).await?.as_ref(),
        Some(&ever),
    )
}

/// An entry that may be forgotten at once is accepted, and the key can be written as `get` shows it.
pub async fn keep_until_in_the_past_is_no_error(subject: &Subject) -> Result<(), Violation> {
    let key = key("kept-no-more");
    let first = entry("first");
    let past = entry("past").with_keep_until(subject.now() - DAY);
    let _ = subject.store().put(&key, &first, None).await?;
    let outcome = subject
        .store()
        .put(&key, &past, Some(first.version))
        .await?;
    ensure!(
        outcome.is_applied(),
        "a put of what may be forgotten at once was {outcome:?}"
    );
    let found = subject.get(&key).await?;
    if found.is_some() {
        expect_entry("what may be forgotten", found.as_ref(), Some(&past))?;
    }
    // A store may forget it between the two calls, but may not bring back the first.
    match subject
        .store()
        .put(&key, &entry("next"), found.map(|entry| entry.version))
        .await?
    {
        Outcome::Applied | Outcome::Conflict(None) => Ok(()),
        Outcome::Conflict(Some(other)) => Err(Violation::new(format!(
            "a conflict with {other:?}, which get had not shown"
        ))),
    }
}
