//! The process that holds the emulator, starts the workers and the store, spoils things, and judges.

mod fleet;
mod link;
mod plan;
mod redis;
mod report;
mod run;
mod signal;
mod sqlite;
mod stage;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::ValueEnum;

use crate::{
    BoxError,
    judge::{judge, timeline},
    said::now,
};

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Arguments {
    /// For how long things are spoilt.
    #[arg(long, default_value_t = 0)]
    minutes: u64,
    /// The same in seconds, added to the minutes; half a minute where neither is given.
    #[arg(long, default_value_t = 0)]
    seconds: u64,
    #[arg(long, value_enum, default_value_t = Backend::Redis)]
    store: Backend,
    /// Decides what is spoilt when; without it, one is drawn and printed.
    #[arg(long)]
    seed: Option<u64>,
    /// How many processes work at once.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(2..=32))]
    workers: u64,
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u64).range(1..=500))]
    accounts: u64,
    /// Writes a report in Markdown.
    #[arg(long)]
    report: Option<PathBuf>,
}

/// Where the tokens are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Backend {
    /// A server of its own, which is restarted now and then.
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

/// What a run is to be.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) length: Duration,
    pub(crate) store: Backend,
    pub(crate) seed: u64,
    pub(crate) workers: usize,
    pub(crate) accounts: usize,
}

impl Setting {
    fn of(arguments: &Arguments) -> Result<Self, BoxError> {
        let seconds = match arguments.minutes * 60 + arguments.seconds {
            0 => 30,
            seconds => seconds,
        };
        Ok(Self {
            length: Duration::from_secs(seconds),
            store: arguments.store,
            seed: arguments.seed.unwrap_or_else(|| now() % 1_000_000),
            workers: usize::try_from(arguments.workers)?,
            accounts: usize::try_from(arguments.accounts)?,
        })
    }
}

// One thread: what the emulator notes of one request is then never torn apart by another's.
#[tokio::main(flavor = "current_thread")]
pub(crate) async fn run(arguments: &Arguments) -> Result<ExitCode, BoxError> {
    let setting = Setting::of(arguments)?;
    println!(
        "{} workers, {} accounts, {}, {} s, seed {}",
        setting.workers,
        setting.accounts,
        setting.store.name(),
        setting.length.as_secs(),
        setting.seed
    );
    let outcome = run::run(&setting).await?;
    let verdict = judge(&outcome.evidence, setting.accounts);
    let report = report::Report {
        setting: &setting,
        outcome: &outcome,
        verdict: &verdict,
    };
    print!("{report}");
    for loss in verdict.losses.iter().filter(|loss| loss.stage.is_rare()) {
        println!("\na rare loss: {}", loss.stage.name());
        if let Some(account) = loss.account {
            print!("{}", timeline(&outcome.evidence, account, Some(loss.at)));
        }
    }
    for violation in &verdict.violations {
        println!("\nVIOLATION: {}", violation.text);
        if let Some(account) = violation.account {
            println!("account {account}:");
            print!("{}", timeline(&outcome.evidence, account, violation.at));
        }
    }
    if let Some(path) = &arguments.report {
        std::fs::write(path, report.to_string())?;
    }
    if verdict.violations.is_empty() {
        std::fs::remove_dir_all(&outcome.directory)?;
        return Ok(ExitCode::SUCCESS);
    }
    println!("\nstore and logs: {}", outcome.directory.display());
    Ok(ExitCode::FAILURE)
}
