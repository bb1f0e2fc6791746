//! Rules: how long an entry is kept.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::listing::listed;
use super::subject::{entry, key};
use super::violation::{ensure, expect_entry};
use super::{Subject, Violation};
use crate::{Entry, Filter, Key, Outcome, Version};

const DAY: Duration = Duration::from_secs(86_400);
const MILLISECOND: Duration = Duration::from_millis(1);
const NANOSECOND: Duration = Duration::from_nanos(1);

/// An entry is there until its `keep_until`. After it, the key can be written as `get` shows it.
pub async fn entry_is_kept_until_keep_until(subject: Subject) -> Result<(), Violation> {
    let key = key("kept");
    let kept = entry("kept").with_keep_until(subject.now() + DAY);
    let _ = subject.store().put(&key, &kept, None).await?;
    expect_entry(
        "a day before keep_until",
        subject.get(&key).await?.as_ref(),
        Some(&kept),
    )?;
    if !subject.advance(DAY - NANOSECOND) {
        return Ok(());
    }
    expect_entry(
        "a nanosecond before keep_until",
        subject.get(&key).await?.as_ref(),
        Some(&kept),
    )?;
    let _ = subject.advance(NANOSECOND);
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

/// All methods agree on an expired entry: listings, conflicts, `get` and `delete` have it or not.
///
/// A store that [must expire](Subject::must_expire) entries no longer has it.
pub async fn every_method_agrees_on_an_expired_entry(subject: Subject) -> Result<(), Violation> {
    let Some(lifetime) = subject.lifetime() else {
        return Ok(());
    };
    let (key, other) = (key("expired"), key("expired-not"));
    let end = subject.now() + lifetime;
    let expiring = entry("expiring")
        .with_keep_until(end)
        .with_due(subject.now())
        .with_attention(true);
    // An entry rounds its times up.
    let end = expiring.keep_until.unwrap_or(end);
    let _ = subject.store().put(&key, &expiring, None).await?;
    let _ = subject.advance(lifetime - NANOSECOND);
    // This write sweeps expired entries, if the store sweeps at all.
    let _ = subject.store().put(&other, &entry("other"), None).await?;
    let conflict = subject.store().put(&key, &entry("next"), None).await?;
    let listings = listings(&subject, end).await?;
    // By the system's clock, these calls may have taken too long.
    if subject.is_before(end) {
        let shown = Outcome::Conflict(Some(expiring.clone()));
        ensure!(
            conflict == shown,
            "a put that expects no entry, before keep_until, was {conflict:?}"
        );
        ensure!(
            listings.iter().flatten().all(|listed| *listed),
            "before keep_until an entry is missing from a listing"
        );
    }
    subject.reach(end + 2 * MILLISECOND).await;
    let found = subject.get(&key).await?;
    ensure!(
        found.is_none() || !subject.expires_in_time(),
        "an entry is still there after its keep_until"
    );
    let is_there = found.is_some();
    for listed in self::listings(&subject, end).await?.into_iter().flatten() {
        ensure!(
            listed == is_there,
            "an expired entry is listed: {listed}; it is found by get: {is_there}"
        );
    }
    let conflict = subject
        .store()
        .put(&key, &entry("next"), Some(Version::random()))
        .await?;
    ensure!(
        conflict == Outcome::Conflict(found),
        "a put at a random version, after keep_until, was {conflict:?}"
    );
    let deleted = subject.store().delete(&key, expiring.version).await?;
    ensure!(
        deleted.is_applied() == is_there,
        "a delete of an expired entry was {deleted:?}; it is found by get: {is_there}"
    );
    let outcome = subject.store().put(&key, &entry("next"), None).await?;
    ensure!(
        outcome.is_applied(),
        "a put that expects no entry, after an entry expired, was {outcome:?}"
    );
    Ok(())
}

/// A put also replaces how long the entry is kept: later, earlier, or forever.
pub async fn keep_until_is_replaced_by_the_next_put(subject: Subject) -> Result<(), Violation> {
    let key = key("kept-longer");
    let start = subject.now();
    let day = entry("a day").with_keep_until(start + DAY);
    let week = entry("a week").with_keep_until(start + 7 * DAY);
    let forever = entry("forever");
    let _ = subject.store().put(&key, &day, None).await?;
    let _ = subject.store().put(&key, &week, Some(day.version)).await?;
    let _ = subject.advance(2 * DAY);
    expect_entry(
        "an entry kept for a week, after two days",
        subject.get(&key).await?.as_ref(),
        Some(&week),
    )?;
    let _ = subject
        .store()
        .put(&key, &forever, Some(week.version))
        .await?;
    let _ = subject.advance(3_650 * DAY);
    expect_entry(
        "an entry kept forever, after ten years",
        subject.get(&key).await?.as_ref(),
        Some(&forever),
    )
}

/// An entry that may be forgotten at once is accepted, and the key can be written as `get` shows
/// it.
pub async fn keep_until_in_the_past_is_no_error(subject: Subject) -> Result<(), Violation> {
    let key = key("kept-no-more");
    let first = entry("first");
    let past = entry("past").with_keep_until(subject.now() - DAY);
    let _ = subject.store().put(&key, &first, None).await?;
    put_expired(&subject, &key, &past, Some(first.version)).await?;
    let found = subject.get(&key).await?;
    // A store may forget it between the two calls, but must not bring back the first.
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

/// Times from before 1970 to far beyond the year 9999 are no error, and mean what they say.
pub async fn keep_until_at_the_ends_of_the_calendar_is_kept(
    subject: Subject,
) -> Result<(), Violation> {
    let seconds = Duration::from_secs;
    for (number, far) in [1 << 40, u64::MAX / 4].into_iter().enumerate() {
        let Some(far) = UNIX_EPOCH.checked_add(seconds(far)) else {
            continue;
        };
        let (key, far) = (
            key(&format!("far-{number}")),
            entry("far").with_keep_until(far),
        );
        let far = far.clone().with_due(far.keep_until);
        let _ = subject.store().put(&key, &far, None).await?;
        expect_entry(
            "an entry that is kept for thousands of years",
            subject.get(&key).await?.as_ref(),
            Some(&far),
        )?;
    }
    let pasts = [UNIX_EPOCH - seconds(1), UNIX_EPOCH, UNIX_EPOCH + seconds(1)];
    for (number, time) in pasts.into_iter().enumerate() {
        let past = entry("past").with_keep_until(time).with_due(time);
        put_expired(&subject, &key(&format!("past-{number}")), &past, None).await?;
    }
    Ok(())
}

/// A time between two milliseconds is never rounded down: the entry is not forgotten early.
///
/// The fields of an entry are public, so that one may come in without having been rounded up.
pub async fn time_finer_than_a_millisecond_is_not_cut(subject: Subject) -> Result<(), Violation> {
    let key = key("finer");
    let whole = entry("").with_due(subject.now() + DAY).due;
    let Some(fine) = whole.map(|whole| whole + NANOSECOND) else {
        return Ok(());
    };
    let mut kept = entry("kept");
    (kept.keep_until, kept.due) = (Some(fine), Some(fine));
    let _ = subject.store().put(&key, &kept, None).await?;
    let found = subject.get(&key).await?;
    let times = found.map(|found| [found.keep_until, found.due]);
    let is_rounded_up = |time: Option<SystemTime>| {
        time.is_some_and(|time| (fine..fine + MILLISECOND).contains(&time))
    };
    ensure!(
        times.is_some_and(|times| times.into_iter().all(is_rounded_up)),
        "the times {fine:?} came back as {times:?}"
    );
    if subject.advance(DAY) {
        subject.reach(fine - NANOSECOND).await;
        ensure!(
            subject.get(&key).await?.is_some(),
            "an entry is gone in the millisecond before its keep_until"
        );
        let _ = subject.advance(MILLISECOND);
        ensure!(
            subject.get(&key).await?.is_none() || !subject.expires_in_time(),
            "an entry is still there a millisecond after its keep_until"
        );
    }
    Ok(())
}

/// Puts an entry that has expired already: it is applied, and then there or gone.
async fn put_expired(
    subject: &Subject,
    key: &Key,
    past: &Entry,
    expected: Option<Version>,
) -> Result<(), Violation> {
    let outcome = subject.store().put(key, past, expected).await?;
    ensure!(
        outcome.is_applied(),
        "a put of an entry that has expired was {outcome:?}"
    );
    let found = subject.get(key).await?;
    if found.is_some() {
        ensure!(
            !subject.expires_in_time(),
            "an entry that was put after its keep_until is there"
        );
        expect_entry("an entry that has expired", found.as_ref(), Some(past))?;
    }
    Ok(())
}

/// Returns whether each listing has the rule's entry; `None` for an unsupported listing.
async fn listings(subject: &Subject, end: SystemTime) -> Result<[Option<bool>; 3], Violation> {
    let mut found = [None; 3];
    let filters = [Filter::All, Filter::Attention, Filter::DueBefore(end)];
    for (filter, found) in filters.into_iter().zip(&mut found) {
        let keys = listed(subject, filter, 100).await?;
        *found = keys.map(|keys| keys.contains(&key("expired")));
    }
    Ok(found)
}
