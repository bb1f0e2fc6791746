//! `tokenkeeper demo`: the whole life of an account, at each provider and through both fronts.

mod front;
mod promise;
mod provider;
mod report;
mod stage;
mod steps;

use std::{process::ExitCode, time::Duration};

use front::Front;
use promise::Promise;
use provider::Provider;
use report::{Report, Row, StepReport};
use stage::Stage;

use crate::{BoxError, causes};

/// Runs the whole life of an account against emulators of the providers, and counts what they see
///
/// The emulators listen on free ports of 127.0.0.1, and nothing leaves the machine. The exit status is 1 when a count is not what is
/// promised.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

/// Nothing in a step waits for a time to pass; this turns a hang into a failure.
const PATIENCE: Duration = Duration::from_secs(25);

pub(crate) async fn run(arguments: &Arguments) -> Result<ExitCode, BoxError> {
    // The transports ask for one before they know that all is http on loopback here.
    if rustls::crypto::ring::default_provider()
        .install_default()
        .is_err()
    {
        return Err("another rustls crypto provider was installed before".into());
    }
    let mut rows = Vec::new();
    for provider in Provider::ALL {
        for front in Front::ALL {
            eprint!("{} over {}:", provider.brand(), front.name());
            let row = life(provider, front).await?;
            eprintln!("{}", if row.ok { "" } else { " FAILED" });
            rows.push(row);
        }
    }
    let report = Report::of(rows);
    if arguments.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print!("{report}");
    }
    Ok(if report.ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// One account from its first login to its end.
async fn life(provider: Provider, front: Front) -> Result<Row, BoxError> {
    let mut stage = Stage::new(provider, front).await?;
    let mut steps = Vec::new();
    for promise in promise::life(provider) {
        eprint!(" {}", promise.step.name());
        let (step, goes_on) = play(&mut stage, promise).await;
        steps.push(step);
        if !goes_on {
            break;
        }
    }
    let problem = stage.accounts.shutdown(PATIENCE).await.err();
    let problem = problem.map(|unwritten| causes(&unwritten));
    Ok(Row::new(provider.brand(), front.name(), steps, problem))
}

/// One step, beside what is promised of it. Where the step itself did not work, those after it make no sense.
async fn play(stage: &mut Stage, promise: &'static Promise) -> (StepReport, bool) {
    stage.emulator.reset_counters();
    let played = tokio::time::timeout(PATIENCE, steps::play(stage, promise)).await;
    let problem = match played {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(causes(&*error)),
        Err(_) => Some(format!("no end after {} s", PATIENCE.as_secs())),
    };
    let goes_on = problem.is_none();
    let counters = stage.emulator.counters();
    (
        StepReport::new(promise, stage.provider, &counters, problem),
        goes_on,
    )
}
