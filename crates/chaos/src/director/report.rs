//! The report, in Markdown.

use std::{collections::BTreeMap, fmt, time::UNIX_EPOCH};

use super::{Setting, run::Played};
use crate::{
    judge::{Loss, Stage, Verdict},
    said::micros,
    terms,
};

pub(crate) struct Report<'a> {
    pub(crate) setting: &'a Setting,
    pub(crate) outcome: &'a Played,
    pub(crate) verdict: &'a Verdict,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            setting, verdict, ..
        } = self;
        let store = setting.store.name();
        let seconds = setting.length.as_secs();
        writeln!(
            f,
            "## {store}, {}, {}\n",
            length(seconds),
            date(self.outcome)
        )?;
        writeln!(
            f,
            "`scripts/chaos --seconds {seconds} --store {store} --seed {} --workers {} --accounts {}`\n",
            setting.seed, setting.workers, setting.accounts
        )?;
        let violations = verdict.violations.len();
        writeln!(f, "**Violations: {violations}**\n")?;
        for violation in &verdict.violations {
            writeln!(f, "- {}", violation.text)?;
        }
        self.numbers(f)?;
        self.faults(f)?;
        self.repeats(f)?;
        self.losses(f)
    }
}

impl Report<'_> {
    fn numbers(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            setting,
            outcome,
            verdict,
        } = self;
        let calls = &verdict.calls;
        let ends: Vec<String> = verdict
            .ends
            .iter()
            .map(|(end, count)| format!("{end} {count}"))
            .collect();
        let presented = outcome.evidence.presentations.len();
        writeln!(f, "| what | how many |\n|---|---|")?;
        writeln!(
            f,
            "| processes, one after the other in {} places | {} |",
            setting.workers,
            outcome.evidence.lives.len()
        )?;
        writeln!(f, "| accounts in the end | {} |", ends.join(", "))?;
        writeln!(
            f,
            "| logins finished, disconnects finished | {}, {} |",
            verdict.logins, verdict.disconnects
        )?;
        writeln!(f, "| refresh tokens presented | {presented} |")?;
        writeln!(f, "| of these granted | {} |", verdict.refreshes)?;
        writeln!(
            f,
            "| of these presented before, within the rule | {} |",
            verdict.repeats.len()
        )?;
        writeln!(
            f,
            "| of these presented outside the rule | {} |",
            self.outside()
        )?;
        writeln!(
            f,
            "| token sets that went down with a process | {} |",
            self.verdict.losses.len()
        )?;
        writeln!(
            f,
            "| tokens that callers asked for and had, had not | {}, {} |",
            calls.tokens, calls.failures
        )?;
        writeln!(
            f,
            "| API calls answered 200, 401, otherwise | {}, {}, {} |",
            calls.served, calls.rejected, calls.broken
        )?;
        let (life, lease, deadline) = (terms::LIFETIME, terms::LEASE, terms::DEADLINE);
        writeln!(
            f,
            "| an access token's life, lease, deadline | {} s, {} s, {} s |\n",
            life.as_secs(),
            lease.as_secs(),
            deadline.as_secs()
        )
    }

    fn outside(&self) -> usize {
        let violations = self.verdict.violations.iter();
        violations.filter(|violation| violation.presented).count()
    }

    fn faults(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| fault | times |\n|---|---|")?;
        for (fault, count) in &self.outcome.faults {
            writeln!(f, "| {fault} | {count} |")?;
        }
        writeln!(f)
    }

    fn repeats(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whys = self
            .verdict
            .repeats
            .iter()
            .map(|repeat| repeat.why.as_str());
        table(f, "presented again within the rule, since", whys)
    }

    fn losses(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let losses = &self.verdict.losses;
        let causes = losses.iter().map(|loss| loss.stage.name());
        table(f, "token set lost: cause", causes)?;
        let of_accounts: Vec<&Loss> = losses
            .iter()
            .filter(|loss| loss.stage != Stage::Login)
            .collect();
        if of_accounts.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "<details><summary>Each of them, but for logins</summary>\n"
        )?;
        writeln!(
            f,
            "| account | sent at | by worker | over after | emulator's log | cause | then |\n|---|---|---|---|---|---|---|"
        )?;
        let began = micros(self.outcome.began);
        for loss in of_accounts {
            let account = loss.account.map_or_else(|| "?".into(), |a| a.to_string());
            writeln!(
                f,
                "| {account} | {} s | {} | {} ms | {} | {} | {} |",
                loss.at.saturating_sub(began) / 1_000_000,
                loss.worker,
                loss.killed.saturating_sub(loss.at) / 1000,
                loss.shown.as_deref().unwrap_or_default(),
                loss.stage.name(),
                loss.afterwards
            )?;
        }
        writeln!(f, "\n</details>")
    }
}

/// How often each came, most often first.
fn table<'a>(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    rows: impl Iterator<Item = &'a str>,
) -> fmt::Result {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows {
        *counts.entry(row).or_default() += 1;
    }
    if counts.is_empty() {
        return Ok(());
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(row, count)| (std::cmp::Reverse(*count), *row));
    writeln!(f, "| {title} | times |\n|---|---|")?;
    for (row, count) in counts {
        writeln!(f, "| {row} | {count} |")?;
    }
    writeln!(f)
}

fn length(seconds: u64) -> String {
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds} seconds"),
        (minutes, 0) => format!("{minutes} minutes"),
        (minutes, seconds) => format!("{minutes} minutes {seconds} seconds"),
    }
}

/// The day, in UTC (Howard Hinnant's `civil_from_days`).
fn date(outcome: &Played) -> String {
    let since = outcome.began.duration_since(UNIX_EPOCH).unwrap_or_default();
    let days = since.as_secs() / 86_400 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    format!("{year}-{month:02}-{day:02}")
}
