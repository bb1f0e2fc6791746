//! The report of a run: a page of Markdown, and a log of its losses and violations.

mod log;
mod store;
mod table;

use std::{fmt, process::Command, thread, time::SystemTime};

pub(super) use self::{log::Log, store::StoreRun};

use self::table::{Table, tally};
use super::Backend;
use crate::BoxError;

/// The page: the setup, then tables with a column for each store.
pub(super) struct Report<'a> {
    runs: &'a [StoreRun],
    commit: &'a str,
    cores: usize,
    servers: Vec<String>,
}

impl<'a> Report<'a> {
    pub(super) fn new(runs: &'a [StoreRun], commit: &'a str) -> Result<Self, BoxError> {
        let server = |run: &StoreRun| match run.options.store {
            Backend::Redis => redis_version(),
            Backend::Sqlite => Ok(format!("SQLite {}", rusqlite::version())),
        };
        Ok(Self {
            runs,
            commit,
            cores: thread::available_parallelism()?.get(),
            servers: runs.iter().map(server).collect::<Result<_, _>>()?,
        })
    }

    /// Returns the command that repeats the run.
    fn command(&self) -> String {
        let Some(StoreRun { options, .. }) = self.runs.first() else {
            return String::new();
        };
        let stores: String = self
            .runs
            .iter()
            .map(|run| format!(" --store {}", run.options.store.name()))
            .collect();
        let length = match options.length.as_secs() {
            seconds if seconds % 60 == 0 => format!("--minutes {}", seconds / 60),
            seconds => format!("--seconds {seconds}"),
        };
        format!(
            "scripts/chaos {length}{stores} --seed {} --workers {} --accounts {}",
            options.seed, options.workers, options.accounts
        )
    }

    fn write_setup(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let began = self.runs.iter().map(|run| run.record.began).min();
        let began = httpdate::fmt_http_date(began.unwrap_or_else(SystemTime::now));
        let seconds = self
            .runs
            .first()
            .map_or(0, |run| run.options.length.as_secs());
        let (minutes, seconds) = (seconds / 60, seconds % 60);
        let (os, architecture) = (std::env::consts::OS, std::env::consts::ARCH);
        let (cores, servers) = (self.cores, self.servers.join(", "));
        writeln!(f, "| run | |\n|---|---|")?;
        writeln!(f, "| began | {began} |")?;
        writeln!(f, "| faults injected for | {minutes} min {seconds} s |")?;
        writeln!(f, "| commit | {}, {BUILD} build |", self.commit)?;
        writeln!(
            f,
            "| machine | {os}, {architecture}, {cores} cores; {servers} |"
        )?;
        writeln!(f, "| repeated by | `{}` |", self.command())
    }
}

const BUILD: &str = if cfg!(debug_assertions) {
    "debug"
} else {
    "release"
};

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", include_str!("report.md"))?;
        self.write_setup(f)?;
        writeln!(
            f,
            "\nThe seed decides the schedule of the faults; the machine decides what they meet. \
             The stores run\nat the same time, each with its own workers, accounts and emulator."
        )?;
        let runs = self.runs;
        let results = Table::new("result", runs);
        let rows: Vec<_> = runs.iter().map(StoreRun::results).collect();
        let names = rows
            .first()
            .into_iter()
            .flatten()
            .map(|(name, _)| name.to_string());
        let rows = names.enumerate().map(|(row, name)| {
            let cells = rows.iter().map(|results| results[row].1.clone());
            (name, cells.collect())
        });
        results.write(f, rows)?;
        let faults = tally(runs, |run| {
            let faults = run.record.faults.iter();
            faults
                .map(|(name, count)| ((*name).to_owned(), *count))
                .collect()
        });
        Table::new("injected fault", runs).write(f, faults)?;
        let repeats = tally(runs, |run| {
            let repeats = run.verdict.repeats.iter();
            repeats.map(|repeat| (repeat.why.clone(), 1)).collect()
        });
        Table::new("presented again within the rule, because", runs).write(f, repeats)?;
        let losses = tally(runs, |run| {
            let losses = run.verdict.losses.iter();
            let row =
                |cause: crate::judge::Cause| format!("{}: {}", cause.name(), cause.evidence());
            losses.map(|loss| (row(loss.cause), 1)).collect()
        });
        Table::new("token set lost: cause, and the evidence in the logs", runs).write(f, losses)
    }
}

/// Parses the output of `redis-server --version`: `Redis server v=7.0.15 sha=…`.
fn redis_version() -> Result<String, BoxError> {
    let output = Command::new("redis-server").arg("--version").output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text.split_whitespace().find_map(|w| w.strip_prefix("v="));
    Ok(format!("Redis {}", version.unwrap_or("unknown")))
}
