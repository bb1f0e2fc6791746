//! The process that holds the emulator, starts the workers and the store, spoils things, and judges.

mod fleet;
mod inflict;
mod link;
mod log;
mod people;
mod plan;
mod redis;
mod report;
mod run;
mod signal;
mod slot;
mod sqlite;
mod stage;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::ValueEnum;
use futures_util::future::try_join_all;

use self::{
    report::{Part, Report},
    run::Played,
};
use crate::{
    BoxError,
    judge::{Verdict, judge, timeline},
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
    /// Where the tokens are kept; both, side by side, where none is named.
    #[arg(long, value_enum, default_values_t = [Backend::Redis, Backend::Sqlite])]
    store: Vec<Backend>,
    /// Decides what is spoilt when; without it, one is drawn and printed.
    #[arg(long)]
    seed: Option<u64>,
    /// How many processes work at once on each store.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(2..=32))]
    workers: u64,
    /// How many accounts each store has.
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u64).range(1..=500))]
    accounts: u64,
    /// Writes the report to a file too.
    #[arg(long)]
    report: Option<PathBuf>,
    /// What the report says of the version.
    #[arg(long, default_value = "unknown")]
    commit: String,
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
struct Setting {
    length: Duration,
    store: Backend,
    seed: u64,
    workers: usize,
    accounts: usize,
}

impl Arguments {
    fn settings(&self) -> Result<Vec<Setting>, BoxError> {
        let seconds = match self.minutes * 60 + self.seconds {
            0 => 30,
            seconds => seconds,
        };
        let seed = self.seed.unwrap_or_else(|| now() % 1_000_000);
        let (workers, accounts) = (self.workers.try_into()?, self.accounts.try_into()?);
        let setting = |store: &Backend| Setting {
            length: Duration::from_secs(seconds),
            store: *store,
            seed,
            workers,
            accounts,
        };
        Ok(self.store.iter().map(setting).collect())
    }
}

// One thread: what the emulator notes of one request is then never torn apart by another's.
#[tokio::main(flavor = "current_thread")]
pub(crate) async fn run(arguments: &Arguments) -> Result<ExitCode, BoxError> {
    let settings = arguments.settings()?;
    for setting in &settings {
        println!("{setting:?}");
    }
    let runs = tokio::select! {
        runs = try_join_all(settings.iter().map(run::run)) => runs?,
        // Whatever was started is ended where the run is dropped.
        _ = tokio::signal::ctrl_c() => return Err("interrupted".into()),
    };
    let judged = settings.into_iter().zip(runs);
    let parts: Vec<Part> = judged
        .map(|(setting, played)| Part {
            verdict: judge(&played.evidence, setting.accounts),
            setting,
            played,
        })
        .collect();
    let report = Report::new(&parts, &arguments.commit)?.to_string();
    print!("{report}");
    if let Some(path) = &arguments.report {
        std::fs::write(path, &report)?;
    }
    let mut code = ExitCode::SUCCESS;
    for Part {
        played, verdict, ..
    } in &parts
    {
        explain(played, verdict);
        if verdict.violations.is_empty() {
            std::fs::remove_dir_all(&played.directory)?;
        } else {
            println!("\nstore and logs: {}", played.directory.display());
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}

/// Prints what happened around each violation, and around what is rare.
fn explain(played: &Played, verdict: &Verdict) {
    let evidence = &played.evidence;
    for loss in verdict.losses.iter().filter(|loss| loss.cause.is_rare()) {
        println!("\na rare loss: {}", loss.cause.name());
        if let Some(account) = loss.account {
            print!("{}", timeline(evidence, account, Some(loss.at)));
        }
    }
    for violation in &verdict.violations {
        println!("\nVIOLATION: {}", violation.text);
        if let Some(account) = violation.account {
            println!("account {account}:");
            print!("{}", timeline(evidence, account, violation.at));
        }
    }
}
