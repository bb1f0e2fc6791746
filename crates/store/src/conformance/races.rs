//! Rules: many calls at once, and cancelled calls.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use super::subject::{entry, key};
use super::violation::{ensure, expect_entry};
use super::{Subject, Violation};
use crate::{Entry, Key, Outcome, StoreError, Version};

const RACERS: usize = 64;

/// An upper bound on the polls that one call of a store takes.
const MAX_POLLS: usize = 10_000;

/// Of 64 concurrent puts that expect no entry, one is applied; the others get its entry.
pub async fn one_of_64_racing_first_puts_applies(subject: Subject) -> Result<(), Violation> {
    race_puts(&subject, &key("race-first"), None).await
}

/// Of 64 concurrent puts at the same version, one is applied; the others get its entry.
pub async fn one_of_64_racing_puts_over_a_version_applies(
    subject: Subject,
) -> Result<(), Violation> {
    let (key, first) = (key("race-over"), entry("first"));
    let _ = subject.store().put(&key, &first, None).await?;
    race_puts(&subject, &key, Some(first.version)).await
}

/// Of 64 concurrent deletes at the same version, one is applied; the others find no entry.
pub async fn one_of_64_racing_deletes_applies(subject: Subject) -> Result<(), Violation> {
    let (key, first) = (key("race-delete"), entry("first"));
    let _ = subject.store().put(&key, &first, None).await?;
    let outcomes = race(&subject, |store, _| {
        let (key, version) = (key.clone(), first.version);
        async move { store.delete(&key, version).await }
    })
    .await?;
    let applied = outcomes
        .iter()
        .filter(|outcome| outcome.is_applied())
        .count();
    ensure!(
        applied == 1,
        "of {RACERS} racing deletes {applied} were applied"
    );
    let shown = outcomes
        .iter()
        .any(|outcome| matches!(outcome, Outcome::Conflict(Some(_))));
    ensure!(!shown, "a delete that came second returned an entry");
    expect_entry("after the race", subject.get(&key).await?.as_ref(), None)
}

/// A put that is dropped after any of its polls leaves the old or the new entry, whole.
///
/// Afterwards the key can be written. The dropped put may still land later.
pub async fn cancelled_put_leaves_the_old_or_the_new_entry(
    subject: Subject,
) -> Result<(), Violation> {
    for polls in 0..MAX_POLLS {
        let key = key(&format!("cancelled-put-{polls}"));
        let old = Entry::new(Version::random(), vec![b'o'; 70_000]).with_due(subject.now());
        let new = Entry::new(Version::random(), vec![b'n'; 90_000]).with_attention(true);
        let _ = subject.store().put(&key, &old, None).await?;
        let done = cancel_after(polls, subject.store().put(&key, &new, Some(old.version))).await;
        let found = subject.get(&key).await?;
        let wanted = if found
            .as_ref()
            .is_some_and(|entry| entry.version == old.version)
        {
            &old
        } else {
            &new
        };
        expect_entry(
            &format!("after {polls} polls of a put"),
            found.as_ref(),
            Some(wanted),
        )?;
        let next = entry("next");
        match subject
            .store()
            .put(&key, &next, Some(wanted.version))
            .await?
        {
            Outcome::Applied => {}
            Outcome::Conflict(late) => {
                expect_entry("a put after a cancelled one", late.as_ref(), Some(&new))?;
            }
        }
        if let Some(outcome) = done {
            ensure!(
                outcome?.is_applied(),
                "a put at the version that is there was a conflict"
            );
            return Ok(());
        }
    }
    Err(Violation::new(format!(
        "a put was not done after {MAX_POLLS} polls"
    )))
}

/// A delete that is dropped after any of its polls leaves the whole entry or none.
///
/// Afterwards the key can be written.
pub async fn cancelled_delete_is_done_or_not(subject: Subject) -> Result<(), Violation> {
    for polls in 0..MAX_POLLS {
        let (key, old) = (key(&format!("cancelled-delete-{polls}")), entry("old"));
        let _ = subject.store().put(&key, &old, None).await?;
        let done = cancel_after(polls, subject.store().delete(&key, old.version)).await;
        let found = subject.get(&key).await?;
        if found.is_some() {
            expect_entry(
                &format!("after {polls} polls of a delete"),
                found.as_ref(),
                Some(&old),
            )?;
        }
        let next = entry("next");
        match subject
            .store()
            .put(&key, &next, found.map(|entry| entry.version))
            .await?
        {
            Outcome::Applied => {}
            Outcome::Conflict(late) => {
                expect_entry("a put after a cancelled delete", late.as_ref(), None)?;
            }
        }
        if let Some(outcome) = done {
            ensure!(
                outcome?.is_applied(),
                "a delete at the version that is there was a conflict"
            );
            return Ok(());
        }
    }
    Err(Violation::new(format!(
        "a delete was not done after {MAX_POLLS} polls"
    )))
}

async fn race_puts(
    subject: &Subject,
    key: &Key,
    expected: Option<Version>,
) -> Result<(), Violation> {
    let entries: Vec<Entry> = (0..RACERS)
        .map(|racer| Entry::new(Version::random(), format!("racer {racer}")))
        .collect();
    let outcomes = race(subject, |store, racer| {
        let (key, entry) = (key.clone(), entries[racer].clone());
        async move { store.put(&key, &entry, expected).await }
    })
    .await?;
    let applied: Vec<usize> = (0..RACERS)
        .filter(|racer| outcomes[*racer].is_applied())
        .collect();
    ensure!(
        applied.len() == 1,
        "of {RACERS} racing puts {} were applied: {applied:?}",
        applied.len()
    );
    let winner = &entries[applied[0]];
    for outcome in &outcomes {
        if let Outcome::Conflict(shown) = outcome {
            expect_entry(
                "the conflict of a put that came second",
                shown.as_ref(),
                Some(winner),
            )?;
        }
    }
    expect_entry(
        "after the race",
        subject.get(key).await?.as_ref(),
        Some(winner),
    )
}

/// Makes the same kind of call in 64 tasks at once, and returns the outcomes.
pub(super) async fn race<F, T>(
    subject: &Subject,
    call: impl Fn(Arc<dyn crate::TokenStore>, usize) -> F,
) -> Result<Vec<T>, StoreError>
where
    F: Future<Output = Result<T, StoreError>> + Send + 'static,
    T: Send + 'static,
{
    let start = Arc::new(tokio::sync::Barrier::new(RACERS));
    let tasks: Vec<_> = (0..RACERS)
        .map(|racer| {
            let (start, call) = (start.clone(), call(subject.store().clone(), racer));
            tokio::spawn(async move {
                start.wait().await;
                call.await
            })
        })
        .collect();
    let mut outcomes = Vec::with_capacity(RACERS);
    for task in tasks {
        outcomes.push(task.await.map_err(StoreError::other)??);
    }
    Ok(outcomes)
}

/// Polls `future` at most `polls` times, then drops it.
async fn cancel_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = Box::pin(future);
    let mut left = polls;
    poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
