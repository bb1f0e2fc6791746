//! Rules: compare-and-swap, one call at a time.

use super::subject::{entry, key};
use super::violation::{ensure, expect_entry};
use super::{Subject, Violation};
use crate::{Entry, Key, Outcome, Version};

/// A missing key has no entry; a put that expects none is applied and then found.
pub async fn put_if_absent(subject: Subject) -> Result<(), Violation> {
    let (key, first) = (key("put-if-absent"), entry("first"));
    expect_entry("before any put", subject.get(&key).await?.as_ref(), None)?;
    subject.expect_first_put(&key, &first).await
}

/// A put that expects no entry, over an existing one, changes nothing and returns it.
pub async fn put_if_absent_returns_the_existing_entry(subject: Subject) -> Result<(), Violation> {
    let (key, first) = (
        key("put-if-absent-conflict"),
        entry("first").with_attention(true),
    );
    let _ = subject.store().put(&key, &first, None).await?;
    let outcome = subject.store().put(&key, &entry("second"), None).await?;
    expect_conflict(
        &subject,
        &key,
        "a put that expects no entry, over an existing one,",
        &outcome,
        Some(&first),
    )
    .await
}

/// A put at the current version is applied and replaces the whole entry.
pub async fn put_replaces_the_expected_version(subject: Subject) -> Result<(), Violation> {
    let key = key("put-over");
    let first = entry("first, a longer value")
        .with_due(subject.now())
        .with_attention(true);
    let _ = subject.store().put(&key, &first, None).await?;
    let second = entry("second");
    let outcome = subject
        .store()
        .put(&key, &second, Some(first.version))
        .await?;
    ensure!(
        outcome.is_applied(),
        "a put at the current version was {outcome:?}"
    );
    expect_entry(
        "after the put",
        subject.get(&key).await?.as_ref(),
        Some(&second),
    )
}

/// A put at another version than the current one changes nothing and returns the entry.
pub async fn put_at_another_version_returns_the_entry(subject: Subject) -> Result<(), Violation> {
    let key = key("put-stale");
    let (first, second) = put_twice(&subject, &key).await?;
    for expected in [first.version, Version::random()] {
        let outcome = subject
            .store()
            .put(&key, &entry("third"), Some(expected))
            .await?;
        expect_conflict(
            &subject,
            &key,
            "a put at another version",
            &outcome,
            Some(&second),
        )
        .await?;
    }
    Ok(())
}

/// A put at a version, of a missing key, writes nothing and conflicts with no entry.
pub async fn put_at_a_version_of_a_missing_key_conflicts(
    subject: Subject,
) -> Result<(), Violation> {
    let key = key("put-missing");
    let outcome = subject
        .store()
        .put(&key, &entry("first"), Some(Version::random()))
        .await?;
    expect_conflict(
        &subject,
        &key,
        "a put at a version, of a missing key,",
        &outcome,
        None,
    )
    .await
}

/// A delete at the current version removes the entry, and leaves the key as if it had never been.
pub async fn delete_at_the_current_version_removes_the_entry(
    subject: Subject,
) -> Result<(), Violation> {
    let (key, first) = (key("delete"), entry("first"));
    let _ = subject.store().put(&key, &first, None).await?;
    let outcome = subject.store().delete(&key, first.version).await?;
    ensure!(
        outcome.is_applied(),
        "a delete at the current version was {outcome:?}"
    );
    expect_entry("after the delete", subject.get(&key).await?.as_ref(), None)?;
    let outcome = subject
        .store()
        .put(&key, &entry("second"), Some(first.version))
        .await?;
    expect_conflict(
        &subject,
        &key,
        "a put at the version that was deleted",
        &outcome,
        None,
    )
    .await?;
    let outcome = subject.store().put(&key, &entry("third"), None).await?;
    ensure!(
        outcome.is_applied(),
        "a put that expects no entry, after a delete, was {outcome:?}"
    );
    Ok(())
}

/// A delete at another version than the current one changes nothing and returns the entry.
pub async fn delete_at_another_version_changes_nothing(subject: Subject) -> Result<(), Violation> {
    let key = key("delete-stale");
    let (first, second) = put_twice(&subject, &key).await?;
    for expected in [first.version, Version::random()] {
        let outcome = subject.store().delete(&key, expected).await?;
        expect_conflict(
            &subject,
            &key,
            "a delete at another version",
            &outcome,
            Some(&second),
        )
        .await?;
    }
    Ok(())
}

/// A delete of a missing key conflicts with no entry.
pub async fn delete_of_a_missing_key_conflicts(subject: Subject) -> Result<(), Violation> {
    let key = key("delete-missing");
    let outcome = subject.store().delete(&key, Version::random()).await?;
    expect_conflict(&subject, &key, "a delete of a missing key", &outcome, None).await
}

/// A caller that lost the answer to a put finds by its version that it landed.
pub async fn ambiguous_put_is_found_by_its_version(subject: Subject) -> Result<(), Violation> {
    let (key, first, mine) = (key("ambiguous-found"), entry("first"), entry("mine"));
    let _ = subject.store().put(&key, &first, None).await?;
    let found = subject.get(&key).await?.map(|entry| entry.version);
    ensure!(
        found == Some(first.version),
        "before the put the version is {found:?}, not the first one's"
    );
    let _lost = subject
        .store()
        .put(&key, &mine, Some(first.version))
        .await?;
    let found = subject.get(&key).await?.map(|entry| entry.version);
    ensure!(
        found == Some(mine.version),
        "a put that landed is not found by its version: {found:?}"
    );
    Ok(())
}

/// A put that is repeated after a lost answer does no harm: the conflict shows its own version.
pub async fn ambiguous_put_can_be_repeated(subject: Subject) -> Result<(), Violation> {
    let (key, first, mine) = (key("ambiguous-repeated"), entry("first"), entry("mine"));
    for (entry, expected) in [(&first, None), (&mine, Some(first.version))] {
        let _lost = subject.store().put(&key, entry, expected).await?;
        let outcome = subject.store().put(&key, entry, expected).await?;
        expect_conflict(&subject, &key, "the same put again", &outcome, Some(entry)).await?;
    }
    Ok(())
}

/// Puts an entry and replaces it, and returns both.
async fn put_twice(subject: &Subject, key: &Key) -> Result<(Entry, Entry), Violation> {
    let (first, second) = (entry("first"), entry("second"));
    let _ = subject.store().put(key, &first, None).await?;
    let _ = subject
        .store()
        .put(key, &second, Some(first.version))
        .await?;
    Ok((first, second))
}

/// Checks that a write met a conflict, which shows `there`, and that `get` still shows it.
async fn expect_conflict(
    subject: &Subject,
    key: &Key,
    what: &str,
    outcome: &Outcome,
    there: Option<&Entry>,
) -> Result<(), Violation> {
    match outcome {
        Outcome::Applied => return Err(Violation::new(format!("{what} was applied"))),
        Outcome::Conflict(found) => {
            expect_entry(&format!("the conflict of {what}"), found.as_ref(), there)?;
        }
    }
    let found = subject.get(key).await?;
    expect_entry(&format!("after {what}"), found.as_ref(), there)
}
