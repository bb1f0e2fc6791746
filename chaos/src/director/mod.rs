//! The director: it runs the emulator, the store and the workers, injects faults, and checks.

mod fleet;
mod inject;
mod link;
mod presentations;
mod redis;
mod report;
mod run;
mod schedule;
mod signal;
mod slot;
mod sqlite;
mod testbed;
mod users;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::ValueEnum;
use futures_util::future::try_join_all;

use self::report::{Log, Report, StoreRun};
use crate::{BoxError, judge::judge, message::now};

// The arguments of the director. A doc comment would become the help text.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How many minutes to inject faults for.
    #[arg(long, default_value_t = 0)]
    minutes: u64,
    /// Seconds, added to the minutes; 30 s if neither is given.
    #[arg(long, default_value_t = 0)]
    seconds: u64,
    /// The store; both at once if none is named.
    #[arg(long, value_enum, default_values_t = [Backend::Redis, Backend::Sqlite])]
    store: Vec<Backend>,
    /// Seed of the schedule; without it, one is drawn and printed.
    #[arg(long)]
    seed: Option<u64>,
    /// How many workers run at once on each store.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(2..=32))]
    workers: u64,
    /// How many accounts each store has.
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u64).range(1..=500))]
    accounts: u64,
    /// File for the report, which is printed too.
    #[arg(long)]
    report: Option<PathBuf>,
    /// File for the log: each loss, and the timeline of each violation.
    #[arg(long)]
    log: Option<PathBuf>,
    /// The commit that the report names.
    #[arg(long, default_value = "unknown")]
    commit: String,
}

/// The kind of store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Backend {
    /// A server, which is restarted at times.
    Redis,
    /// A file that all workers share.
    Sqlite,
}

impl Backend {
    fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Sqlite => "sqlite",
        }
    }
}

/// The options of one run on one store.
#[derive(Clone, Debug)]
struct RunOptions {
    length: Duration,
    store: Backend,
    seed: u64,
    workers: usize,
    accounts: usize,
}

impl Arguments {
    fn options(&self) -> Result<Vec<RunOptions>, BoxError> {
        let seconds = match self.minutes * 60 + self.seconds {
            0 => 30,
            seconds => seconds,
        };
        let seed = self.seed.unwrap_or_else(|| now() % 1_000_000);
        let (workers, accounts) = (self.workers.try_into()?, self.accounts.try_into()?);
        let options = |store: &Backend| RunOptions {
            length: Duration::from_secs(seconds),
            store: *store,
            seed,
            workers,
            accounts,
        };
        Ok(self.store.iter().map(options).collect())
    }
}

// One thread, so that the emulator's notes of two requests never interleave.
#[tokio::main(flavor = "current_thread")]
pub(crate) async fn run(arguments: &Arguments) -> Result<ExitCode, BoxError> {
    let options = arguments.options()?;
    for options in &options {
        println!("{options:?}");
    }
    let runs = tokio::select! {
        runs = try_join_all(options.iter().map(run::run)) => runs?,
        // Dropping the run ends all processes.
        _ = tokio::signal::ctrl_c() => return Err("interrupted".into()),
    };
    let judged = options.into_iter().zip(runs);
    let runs: Vec<StoreRun> = judged
        .map(|(options, record)| StoreRun {
            verdict: judge(&record.evidence, options.accounts),
            options,
            record,
        })
        .collect();
    let report = Report::new(&runs, &arguments.commit)?.to_string();
    print!("{report}");
    if let Some(path) = &arguments.report {
        std::fs::write(path, &report)?;
    }
    if let Some(path) = &arguments.log {
        std::fs::write(path, Log(&runs).to_string())?;
    }
    let mut code = ExitCode::SUCCESS;
    for run in &runs {
        let directory = &run.record.directory;
        if run.verdict.violations.is_empty() {
            std::fs::remove_dir_all(directory)?;
        } else {
            let mut text = String::new();
            run.write_violations(&mut text)?;
            println!("{text}\nstore and logs: {}", directory.display());
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}
