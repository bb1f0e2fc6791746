//! The results on one store.

use crate::{
    director::{RunOptions, run::RunRecord},
    judge::Verdict,
};

/// A run on one store and its verdict.
pub(in crate::director) struct StoreRun {
    pub(in crate::director) options: RunOptions,
    pub(in crate::director) record: RunRecord,
    pub(in crate::director) verdict: Verdict,
}

impl StoreRun {
    /// Returns the rows of the table of results: names and values.
    pub(super) fn results(&self) -> [(&'static str, String); 16] {
        let Self {
            record, verdict, ..
        } = self;
        let violations = &verdict.violations;
        let forbidden = violations.iter().filter(|violation| violation.presented);
        let states = verdict.final_states.iter();
        let states: Vec<String> = states.map(|(state, n)| format!("{state}: {n}")).collect();
        let calls = &verdict.calls;
        [
            ("violations", violations.len().to_string()),
            (
                "refresh tokens presented outside the rule",
                forbidden.count().to_string(),
            ),
            ("accounts at the end", states.join(", ")),
            (
                "worker processes",
                record.evidence.workers.len().to_string(),
            ),
            ("faults", record.faults.values().sum::<usize>().to_string()),
            ("finished logins", verdict.logins.to_string()),
            ("finished disconnects", verdict.disconnects.to_string()),
            (
                "refresh tokens presented",
                record.evidence.presentations.len().to_string(),
            ),
            ("of these, granted", verdict.refreshes.to_string()),
            (
                "of these, presented before, within the rule",
                verdict.repeats.len().to_string(),
            ),
            (
                "token sets lost, by the causes below",
                verdict.losses.len().to_string(),
            ),
            ("calls that got a token", calls.tokens.to_string()),
            (
                "calls that got none at the time",
                calls.failures.to_string(),
            ),
            ("API calls answered 200", calls.served.to_string()),
            (
                "API calls answered 401 after all retries",
                calls.rejected.to_string(),
            ),
            ("API calls with any other result", calls.broken.to_string()),
        ]
    }
}
