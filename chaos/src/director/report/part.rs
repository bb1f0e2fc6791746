//! What the report says of one store.

use std::{
    collections::BTreeMap,
    fmt::{self, Display},
};

use crate::{
    director::{Setting, run::Played},
    judge::{Cause, Loss, Verdict},
    said::micros,
};

/// A run on one store, and what is to be said of it.
pub(in crate::director) struct Part {
    pub(in crate::director) setting: Setting,
    pub(in crate::director) played: Played,
    pub(in crate::director) verdict: Verdict,
}

impl Part {
    pub(in crate::director) fn presented_outside(&self) -> usize {
        let violations = self.verdict.violations.iter();
        violations.filter(|violation| violation.presented).count()
    }

    fn numbers(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            setting,
            played,
            verdict,
        } = self;
        let calls = &verdict.calls;
        let ends = verdict.ends.iter();
        let ends: Vec<String> = ends.map(|(end, count)| format!("{end} {count}")).collect();
        let mut rows = Rows { f };
        rows.begin("what", "how many")?;
        rows.add("accounts in the end", ends.join(", "))?;
        let processes = format!("workers, one after the other in {} places", setting.workers);
        rows.add(&processes, played.evidence.lives.len())?;
        rows.add("faults", played.faults.values().sum::<usize>())?;
        rows.add("logins finished", verdict.logins)?;
        rows.add("disconnects finished", verdict.disconnects)?;
        let presented = played.evidence.presentations.len();
        rows.add("refresh tokens presented", presented)?;
        rows.add("of these, granted", verdict.refreshes)?;
        let within = verdict.repeats.len();
        rows.add("of these, presented before, within the rule", within)?;
        rows.add("of these, outside the rule", self.presented_outside())?;
        rows.add("token sets lost, each named below", verdict.losses.len())?;
        rows.add("tokens that callers asked for and had", calls.tokens)?;
        rows.add("tokens that they could not have then", calls.failures)?;
        rows.add("API calls answered 200", calls.served)?;
        rows.add("API calls answered 401 in the end", calls.rejected)?;
        rows.add("API calls that brought anything else", calls.broken)?;
        rows.end()
    }

    fn losses(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let losses = &self.verdict.losses;
        if losses.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "| token set lost: cause | how the logs show it | times |\n|---|---|---|"
        )?;
        for (cause, count) in counted(losses.iter().map(|loss| loss.cause)) {
            writeln!(f, "| {} | {} | {count} |", cause.name(), cause.shown_by())?;
        }
        writeln!(
            f,
            "\n<details><summary>Each of them, but for logins: a login that fails leaves an account as it was</summary>\n"
        )?;
        writeln!(
            f,
            "| account | sent at | by | over after | emulator's log | cause | then |\n|---|---|---|---|---|---|---|"
        )?;
        let of_accounts = losses.iter().filter(|loss| loss.cause != Cause::Login);
        for loss in of_accounts {
            self.loss(f, loss)?;
        }
        writeln!(f, "\n</details>")
    }

    fn loss(&self, f: &mut fmt::Formatter<'_>, loss: &Loss) -> fmt::Result {
        let account = loss.account.map_or_else(|| "?".into(), |a| a.to_string());
        writeln!(
            f,
            "| {account} | {:.3} s | {} | {} ms | {} | {} | {} |",
            seconds(loss.at.saturating_sub(micros(self.played.began))),
            loss.worker,
            loss.over.saturating_sub(loss.at) / 1000,
            loss.shown.as_deref().unwrap_or_default(),
            loss.cause.name(),
            loss.afterwards
        )
    }
}

impl Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = self.setting.store.name();
        writeln!(f, "## On {title}\n")?;
        for violation in &self.verdict.violations {
            writeln!(f, "- violation: {}", violation.text)?;
        }
        self.numbers(f)?;
        let mut faults = Rows { f };
        faults.begin("fault", "times")?;
        for (fault, count) in &self.played.faults {
            faults.add(fault, count)?;
        }
        faults.end()?;
        let mut repeats = Rows { f };
        repeats.begin("presented again within the rule, since", "times")?;
        for (why, count) in counted(self.verdict.repeats.iter().map(|repeat| &repeat.why)) {
            repeats.add(why, count)?;
        }
        repeats.end()?;
        self.losses(f)
    }
}

/// A table of two columns.
struct Rows<'a, 'b> {
    f: &'a mut fmt::Formatter<'b>,
}

impl Rows<'_, '_> {
    fn begin(&mut self, left: &str, right: &str) -> fmt::Result {
        writeln!(self.f, "| {left} | {right} |\n|---|---|")
    }

    fn add(&mut self, left: &str, right: impl Display) -> fmt::Result {
        writeln!(self.f, "| {left} | {right} |")
    }

    fn end(&mut self) -> fmt::Result {
        writeln!(self.f)
    }
}

/// How often each came, most often first.
fn counted<T: Ord>(all: impl Iterator<Item = T>) -> Vec<(T, usize)> {
    let mut counts: BTreeMap<T, usize> = BTreeMap::new();
    for one in all {
        *counts.entry(one).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}

fn seconds(micros: u64) -> f64 {
    std::time::Duration::from_micros(micros).as_secs_f64()
}
