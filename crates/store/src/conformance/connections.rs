//! Rules: what a store reports when its connection is cut.

use std::time::Duration;

use super::subject::{entry, key};
use super::violation::{ensure, expect_entry};
use super::{ConnectionCutter, Cut, Subject, Violation};
use crate::{Entry, Key, Outcome, StoreError};

/// How often a call is repeated while the store reconnects, and how long the rule waits in between.
const TRIES: usize = 200;
const PAUSE: Duration = Duration::from_millis(20);

/// The first part of a violation that the harness may have caused.
const NOT_LANDED: &str = "a write has not landed whose answer was cut (does the cutter recognize \
                          the request that commits the write?)";

/// The harness declares how the store's connection is cut, or that it is not.
///
/// Without a decision the rules about lost answers test nothing, and a store that reports them as
/// "nothing was done" passes the suite.
pub async fn cutter_is_declared(subject: Subject) -> Result<(), Violation> {
    ensure!(
        subject.declares_cutter(),
        "the harness does not declare how to cut the store's connection: add to the subject \
         `.with_cutter(...)`, with a `CuttingProxy` for a backend on TCP, or `.without_cutter()` \
         if the store has no connection"
    );
    Ok(())
}

/// A put that was made, and whose answer was lost, is ambiguous: never unavailable.
pub async fn lost_answer_to_a_put_is_ambiguous(subject: Subject) -> Result<(), Violation> {
    let Some(cutter) = subject.cutter() else {
        return Ok(());
    };
    for (name, is_first) in [("lost-answer-first", true), ("lost-answer-over", false)] {
        let (key, old, new) = (key(name), entry("old"), entry("new"));
        if !is_first {
            let _ = subject.store().put(&key, &old, None).await?;
        }
        let expected = (!is_first).then_some(old.version);
        cutter.cut(Cut::BeforeAnswer).await;
        let outcome = subject.store().put(&key, &new, expected).await;
        expect_cut(&**cutter).await?;
        let found = settled(&subject, &key).await?;
        expect_entry(NOT_LANDED, found.as_ref(), Some(&new))?;
        expect_honest("a put whose answer was lost", outcome, &new, true)?;
    }
    Ok(())
}

/// A delete that was made, and whose answer was lost, is ambiguous: never unavailable.
pub async fn lost_answer_to_a_delete_is_ambiguous(subject: Subject) -> Result<(), Violation> {
    let Some(cutter) = subject.cutter() else {
        return Ok(());
    };
    let (key, old) = (key("lost-answer-delete"), entry("old"));
    let _ = subject.store().put(&key, &old, None).await?;
    cutter.cut(Cut::BeforeAnswer).await;
    let outcome = subject.store().delete(&key, old.version).await;
    expect_cut(&**cutter).await?;
    let found = settled(&subject, &key).await?;
    expect_entry(NOT_LANDED, found.as_ref(), None)?;
    match outcome {
        // A store that repeats the delete finds nothing left.
        Ok(Outcome::Applied | Outcome::Conflict(None)) => Ok(()),
        Ok(outcome) => Err(Violation::new(format!(
            "a delete whose answer was lost was {outcome:?}"
        ))),
        Err(error) => expect_honest_error("a delete whose answer was lost", error, true),
    }
}

/// A put that never reached the backend is not reported as applied, and the store recovers.
pub async fn put_that_never_arrives_is_not_applied(subject: Subject) -> Result<(), Violation> {
    let Some(cutter) = subject.cutter() else {
        return Ok(());
    };
    let (key, old, new) = (key("lost-write"), entry("old"), entry("new"));
    let _ = subject.store().put(&key, &old, None).await?;
    cutter.cut(Cut::BeforeWrite).await;
    let outcome = subject.store().put(&key, &new, Some(old.version)).await;
    expect_cut(&**cutter).await?;
    let found = settled(&subject, &key).await?;
    // A store may send it again on another connection.
    let landed = found.as_ref().map(|entry| entry.version) == Some(new.version);
    let there = if landed { &new } else { &old };
    expect_entry("after a put that was cut", found.as_ref(), Some(there))?;
    expect_honest("a put that was cut", outcome, &new, landed)?;
    let next = subject
        .store()
        .put(&key, &entry("next"), Some(there.version))
        .await?;
    ensure!(
        next.is_applied(),
        "a put after the connection was back was {next:?}"
    );
    Ok(())
}

/// While the backend cannot be reached nothing is sent, so a write is unavailable: not ambiguous.
///
/// Writes may be ambiguous until the store has noticed that its connections are dead.
pub async fn unreachable_backend_is_unavailable(subject: Subject) -> Result<(), Violation> {
    let Some(cutter) = subject.cutter() else {
        return Ok(());
    };
    let (key, first) = (key("unreachable"), entry("first"));
    let _ = subject.store().put(&key, &first, None).await?;
    cutter.cut(Cut::Unreachable).await;
    let mut unavailable = 0;
    for _ in 0..TRIES {
        let outcome = subject
            .store()
            .put(&key, &entry("new"), Some(first.version))
            .await;
        match outcome {
            Err(StoreError::Unavailable { .. }) => unavailable += 1,
            // Each of these may have used up one dead connection of a pool.
            Err(StoreError::Ambiguous { .. }) if unavailable == 0 => {}
            outcome => {
                return Err(Violation::new(format!(
                    "a put while the backend could not be reached was {outcome:?}"
                )));
            }
        }
        if unavailable == 3 {
            break;
        }
    }
    expect_cut(&**cutter).await?;
    ensure!(
        unavailable > 0,
        "of {TRIES} puts while the backend could not be reached each was ambiguous"
    );
    let found = settled(&subject, &key).await?;
    expect_entry(
        "after the backend could not be reached",
        found.as_ref(),
        Some(&first),
    )
}

/// Ends the cutting; fails if nothing was cut, since the rule then tests nothing.
async fn expect_cut(cutter: &dyn ConnectionCutter) -> Result<(), Violation> {
    let cuts = cutter.restore().await;
    ensure!(
        cuts > 0,
        "the harness cut no connection: check that the store connects through it, and how it \
         recognizes a write"
    );
    Ok(())
}

/// Checks what a put of `new` reported against whether it landed.
fn expect_honest(
    what: &str,
    outcome: Result<Outcome, StoreError>,
    new: &Entry,
    landed: bool,
) -> Result<(), Violation> {
    match outcome {
        Ok(Outcome::Applied) => {
            ensure!(landed, "{what} was applied, and has not landed");
            Ok(())
        }
        // A store that repeats the put meets its own version.
        Ok(Outcome::Conflict(Some(shown))) if landed && shown.version == new.version => Ok(()),
        Ok(outcome) => Err(Violation::new(format!("{what} was {outcome:?}"))),
        Err(error) => expect_honest_error(what, error, landed),
    }
}

fn expect_honest_error(what: &str, error: StoreError, landed: bool) -> Result<(), Violation> {
    match error {
        StoreError::Ambiguous { .. } => Ok(()),
        StoreError::Unavailable { .. } => {
            ensure!(
                !landed,
                "{what} was reported as unavailable, which means that nothing was done, and has \
                 landed: it must be ambiguous"
            );
            Ok(())
        }
        error => Err(error.into()),
    }
}

/// Reads the entry once the store is connected again.
async fn settled(subject: &Subject, key: &Key) -> Result<Option<Entry>, Violation> {
    let mut tries = 0;
    loop {
        match subject.get(key).await {
            Ok(found) => return Ok(found),
            Err(error) if error.is_transient() && tries < TRIES => tries += 1,
            Err(error) => return Err(error.into()),
        }
        tokio::time::sleep(PAUSE).await;
    }
}
