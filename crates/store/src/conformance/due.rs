//! Rule: the order of due listings. A store that does not declare it keeps the rule.

use std::time::{Duration, SystemTime};

use super::listing::listed;
use super::subject::{entry, key};
use super::violation::ensure;
use super::{Subject, Violation};
use crate::Filter;

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
