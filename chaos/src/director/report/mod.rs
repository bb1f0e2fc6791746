//! The report, in Markdown.

mod part;

use std::{fmt, process::Command, thread, time::SystemTime};

pub(super) use part::Part;

use super::Backend;
use crate::BoxError;

/// The whole report: what is done and how it is judged, then each store.
pub(super) struct Report<'a> {
    parts: &'a [Part],
    commit: &'a str,
    cores: usize,
    servers: Vec<String>,
}

impl<'a> Report<'a> {
    pub(super) fn new(parts: &'a [Part], commit: &'a str) -> Result<Self, BoxError> {
        let server = |part: &Part| match part.setting.store {
            Backend::Redis => redis_version(),
            Backend::Sqlite => Ok(format!("SQLite {}", rusqlite::version())),
        };
        Ok(Self {
            parts,
            commit,
            cores: thread::available_parallelism()?.get(),
            servers: parts.iter().map(server).collect::<Result<_, _>>()?,
        })
    }

    /// What repeats the run.
    fn command(&self) -> String {
        let Some(Part { setting, .. }) = self.parts.first() else {
            return String::new();
        };
        let length = match (setting.length.as_secs() / 60, setting.length.as_secs() % 60) {
            (minutes, 0) => format!("--minutes {minutes}"),
            (0, seconds) => format!("--seconds {seconds}"),
            (minutes, seconds) => format!("--minutes {minutes} --seconds {seconds}"),
        };
        let stores: String = self
            .parts
            .iter()
            .map(|part| format!(" --store {}", part.setting.store.name()))
            .collect();
        format!(
            "scripts/chaos {length}{stores} --seed {} --workers {} --accounts {}",
            setting.seed, setting.workers, setting.accounts
        )
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", include_str!("report.md"))?;
        writeln!(f, "## The run\n\n| | |\n|---|---|")?;
        let began = self.parts.iter().map(|part| part.played.began).min();
        let began = httpdate::fmt_http_date(began.unwrap_or_else(SystemTime::now));
        let build = if cfg!(debug_assertions) {
            "debug"
        } else {
            "release"
        };
        let (os, architecture) = (std::env::consts::OS, std::env::consts::ARCH);
        writeln!(f, "| began | {began} |")?;
        writeln!(f, "| version | commit {}, {build} build |", self.commit)?;
        writeln!(
            f,
            "| machine | {os}, {architecture}, {} cores; {} |",
            self.cores,
            self.servers.join(", ")
        )?;
        writeln!(f, "| repeated by | `{}` |\n", self.command())?;
        writeln!(
            f,
            "A seed decides the schedule of the faults; what meets what is up to the machine. The stores take part side by side, each with its own\nworkers, accounts and emulator.\n"
        )?;
        let violations: usize = self.parts.iter().map(|p| p.verdict.violations.len()).sum();
        let outside: usize = self.parts.iter().map(Part::presented_outside).sum();
        writeln!(f, "**Violations: {violations}**\n")?;
        writeln!(
            f,
            "**Refresh tokens presented outside the rule: {outside}**"
        )?;
        for part in self.parts {
            write!(f, "\n{part}")?;
        }
        Ok(())
    }
}

/// As `redis-server` tells it: `Redis server v=7.0.15 sha=…`.
fn redis_version() -> Result<String, BoxError> {
    let output = Command::new("redis-server").arg("--version").output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text.split_whitespace().find_map(|w| w.strip_prefix("v="));
    Ok(format!("Redis {}", version.unwrap_or("unknown")))
}
