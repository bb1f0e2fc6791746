//! Rules: claims of due entries. A store that does not declare them must keep only the first rule.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::listing::listed;
use super::races::race;
use super::subject::{entry, key};
use super::violation::{ensure, expect_entry};
use super::watching::Watcher;
use super::{Subject, Violation};
use crate::{Entry, Filter, Key, TokenStore};

const SECOND: Duration = Duration::from_secs(1);
const MILLISECOND: Duration = Duration::from_millis(1);
const DAY: Duration = Duration::from_secs(86_400);

/// How many entries the rules claim.
const ENTRIES: usize = 12;

/// A claim changes no entry and no version, tells no watcher, and returns only keys of its call.
///
/// Every store keeps this rule, with claims or without.
pub async fn claim_changes_no_entry(subject: Subject) -> Result<(), Violation> {
    let store = subject.store();
    let due = due_entry(&subject)
        .with_keep_until(subject.now() + DAY)
        .with_attention(true);
    let keys = put_due(&subject, &due).await?;
    let mut watcher = Watcher::new(&subject)?;
    if let Some(watcher) = &mut watcher {
        watcher.listen(&**store).await?;
        let _ = changes_until(&subject, watcher, "before the claim").await?;
    }
    let claimed = store.claim(&keys[1..], subject.now(), DAY).await?;
    ensure!(
        claimed.iter().all(|key| keys[1..].contains(key)),
        "a claim returned other keys than it was given: {claimed:?}"
    );
    for key in &keys {
        let found = subject.get(key).await?;
        expect_entry("after a claim", found.as_ref(), Some(&due))?;
    }
    if let Some(watcher) = &mut watcher {
        let told = changes_until(&subject, watcher, "after the claim").await?;
        // An earlier put may be told late, and again; but hardly that of every key.
        ensure!(
            !keys[1..].iter().all(|key| told.contains(key)),
            "a watcher received a change of each claimed entry"
        );
    }
    for key in &keys {
        let next = entry("next");
        let outcome = store.put(key, &next, Some(due.version)).await?;
        ensure!(
            outcome.is_applied(),
            "after a claim, a put at the version that is there was {outcome:?}"
        );
    }
    Ok(())
}

/// A claim hides an entry from due listings and other claims until its time, and no longer. Other
/// listings and reads still have the entry.
pub async fn claim_hides_an_entry_until_its_time(subject: Subject) -> Result<(), Violation> {
    if !subject.claims() {
        return Ok(());
    }
    let keys = put_due(&subject, &due_entry(&subject)).await?;
    let (claimed, free) = keys.split_at(ENTRIES / 2);
    let lasting = subject.lifetime().unwrap_or(DAY);
    let now = subject.now();
    let end = now + lasting;
    let hidden = subject.store().claim(claimed, now, lasting).await?;
    expect_keys("claimed", &hidden, claimed)?;
    let _ = subject.advance(lasting - MILLISECOND);
    let listed_meanwhile = due(&subject, subject.peer()).await?;
    let claimed_meanwhile = subject
        .peer()
        .claim(claimed, subject.now(), MILLISECOND)
        .await?;
    // By the system's clock, these calls may have taken too long.
    if subject.is_before(end) {
        expect_keys("the due entries, after a claim", &listed_meanwhile, free)?;
        expect_keys("claimed a second time", &claimed_meanwhile, &[])?;
    }
    let all = listed(&subject, Filter::All, 7).await?.unwrap_or_default();
    expect_keys("all entries, after a claim", &all, &keys)?;
    if subject.lifetime().is_some() {
        let end = end.max(subject.now() + MILLISECOND);
        subject.reach(end + 4 * MILLISECOND).await;
        let found = due(&subject, subject.store()).await?;
        expect_keys("the due entries, after a claim ended", &found, &keys)?;
        expect_claimed(&subject, claimed, claimed, DAY).await?;
    }
    // The end of the longest claim is out of a clock's reach.
    expect_claimed(&subject, free, free, Duration::MAX).await?;
    expect_claimed(&subject, free, &[], Duration::MAX).await
}

/// A put ends a claim: the entry is listed, and can be claimed again, if it is still due. So does
/// a delete.
pub async fn put_ends_a_claim(subject: Subject) -> Result<(), Violation> {
    if !subject.claims() {
        return Ok(());
    }
    let first = due_entry(&subject);
    let keys = put_due(&subject, &first).await?;
    expect_claimed(&subject, &keys, &keys, DAY).await?;
    let [kept, refused, replaced, removed, later] = [0, 1, 2, 3, 4].map(|index| &keys[index]);
    let (store, second) = (subject.peer(), due_entry(&subject));
    // A put that meets a conflict ends none.
    let _ = store.put(refused, &second, Some(second.version)).await?;
    let _ = store.put(replaced, &second, Some(first.version)).await?;
    let _ = store.delete(removed, first.version).await?;
    let _ = store.put(removed, &second, None).await?;
    let not_due = entry("later").with_due(subject.now() + DAY);
    let _ = store.put(later, &not_due, Some(first.version)).await?;

    let again = [replaced.clone(), removed.clone()];
    let found = due(&subject, subject.store()).await?;
    expect_keys("the due entries, after puts over claims", &found, &again)?;
    let asked = [kept, refused, replaced, removed, later].map(Clone::clone);
    expect_claimed(&subject, &asked, &again, DAY).await?;
    let found = due(&subject, subject.store()).await?;
    expect_keys("the due entries, after another claim", &found, &[])
}

/// Of many claimers, one claims each key.
pub async fn one_of_64_racing_claims_gets_each_key(subject: Subject) -> Result<(), Violation> {
    if !subject.claims() {
        return Ok(());
    }
    let keys = put_due(&subject, &due_entry(&subject)).await?;
    let now = subject.now();
    let claims = race(&subject, |store, racer| {
        let store = if racer % 2 == 0 {
            store
        } else {
            subject.peer().clone()
        };
        // Each begins elsewhere, so that all of them get some.
        let mut keys = keys.clone();
        keys.rotate_left(racer % ENTRIES);
        async move { store.claim(&keys, now, DAY).await }
    })
    .await?;
    let mut times: HashMap<&Key, usize> = HashMap::new();
    for key in claims.iter().flatten() {
        *times.entry(key).or_default() += 1;
    }
    for key in &keys {
        let times = times.get(key).copied().unwrap_or_default();
        ensure!(
            times == 1,
            "{} was claimed {times} times in a race of claims",
            key.subject()
        );
    }
    Ok(())
}

/// A claim leaves out keys of missing entries and of those that are not due before its time.
pub async fn claim_leaves_out_what_is_not_due(subject: Subject) -> Result<(), Violation> {
    if !subject.claims() {
        return Ok(());
    }
    let (store, now) = (subject.store(), entry("").with_due(subject.now()).due);
    let now = now.unwrap_or_else(|| subject.now());
    let (before, at, after) = (key("before"), key("at"), key("after"));
    let (never, missing) = (key("never"), key("missing"));
    for (key, due) in [
        (&before, Some(now - MILLISECOND)),
        (&at, Some(now)),
        (&after, Some(now + MILLISECOND)),
        (&never, None),
    ] {
        let entry = entry("value").with_due(due).with_attention(true);
        let _ = store.put(key, &entry, None).await?;
    }
    let asked = [missing.clone(), never, after, at.clone(), before.clone()];
    let claimed = store.claim(&asked, now, DAY).await?;
    expect_keys("the due ones of a claim", &claimed, &[before])?;
    // The claim of a missing key is not kept for an entry that comes later.
    let _ = store.put(&missing, &due_entry(&subject), None).await?;
    let found = store.claim(&asked, now + MILLISECOND, DAY).await?;
    expect_keys("the due ones of a later claim", &found, &[missing, at])
}

/// A claim leaves out entries that have expired, if `get` no longer shows them.
pub async fn claim_leaves_out_expired_entries(subject: Subject) -> Result<(), Violation> {
    let Some(lifetime) = subject.lifetime().filter(|_| subject.claims()) else {
        return Ok(());
    };
    let expiring = due_entry(&subject).with_keep_until(subject.now() + lifetime);
    let keys = put_due(&subject, &expiring).await?;
    let end = expiring.keep_until.unwrap_or_else(|| subject.now());
    subject.reach(end + 2 * MILLISECOND).await;
    let claimed = subject.store().claim(&keys, subject.now(), DAY).await?;
    for key in &claimed {
        ensure!(
            subject.get(key).await?.is_some(),
            "an expired entry was claimed that get does not show"
        );
    }
    Ok(())
}

/// An entry that has been due for a second.
fn due_entry(subject: &Subject) -> Entry {
    entry("due").with_due(subject.now() - SECOND)
}

/// Puts `entry` under each key, and returns the keys.
async fn put_due(subject: &Subject, entry: &Entry) -> Result<Vec<Key>, Violation> {
    let keys: Vec<Key> = (0..ENTRIES)
        .map(|number| key(&format!("due-{number}")))
        .collect();
    for key in &keys {
        let _ = subject.store().put(key, entry, None).await?;
    }
    Ok(keys)
}

/// Claims the keys `asked`, and checks which ones the store returns.
async fn expect_claimed(
    subject: &Subject,
    asked: &[Key],
    wanted: &[Key],
    lasting: Duration,
) -> Result<(), Violation> {
    let claimed = subject.store().claim(asked, subject.now(), lasting).await?;
    expect_keys("claimed", &claimed, wanted)
}

/// All entries that are due now, from the pages of a listing.
async fn due(subject: &Subject, store: &Arc<dyn TokenStore>) -> Result<Vec<Key>, Violation> {
    let filter = Filter::DueBefore(subject.now());
    let (mut keys, mut cursor) = (Vec::new(), None);
    loop {
        let page = store.list(filter, cursor, 3).await?;
        keys.extend(page.keys);
        cursor = page.next;
        if cursor.is_none() {
            return Ok(keys);
        }
    }
}

/// Writes a last entry, and returns the keys of the changes that the watcher receives before it.
async fn changes_until(
    subject: &Subject,
    watcher: &mut Watcher,
    last: &str,
) -> Result<Vec<Key>, Violation> {
    let (last, mut told) = (key(last), Vec::new());
    let _ = subject.store().put(&last, &entry("last"), None).await?;
    loop {
        let change = watcher.next().await?;
        if change.key == last {
            return Ok(told);
        }
        told.push(change.key);
    }
}

/// Checks that `found` has exactly these keys, each once, in any order.
fn expect_keys(what: &str, found: &[Key], wanted: &[Key]) -> Result<(), Violation> {
    let sorted = |keys: &[Key]| {
        let mut subjects: Vec<String> = keys.iter().map(|key| key.subject().to_owned()).collect();
        subjects.sort();
        subjects
    };
    let (found, wanted) = (sorted(found), sorted(wanted));
    ensure!(
        found == wanted,
        "{what}: found {found:?}, wanted {wanted:?}"
    );
    Ok(())
}
