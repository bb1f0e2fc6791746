//! `tokenkeeper demo`: the life cycle of an account, at each provider and through both fronts.

mod expectation;
mod front;
mod provider;
mod report;
mod setup;
mod steps;

use std::{process::ExitCode, time::Duration};

use expectation::Expectation;
use front::Front;
use provider::Provider;
use report::{Report, Row, StepReport};
use setup::Setup;

use crate::{BoxError, app::install_crypto, causes, output};

/// Runs the life cycle of an account against emulators and checks the counts
///
/// The emulators listen on free ports of 127.0.0.1; nothing leaves the machine. The exit status is
/// 1 if a count is not as expected.
///
/// Example: tokenkeeper demo
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {}

/// Turns a hang into a failure: no step waits for time to pass.
const STEP_TIMEOUT: Duration = Duration::from_secs(25);

pub(crate) async fn run(_: &Arguments, as_json: bool) -> Result<ExitCode, BoxError> {
    // The transports require one before they know that all URLs here are http on loopback.
    install_crypto();
    let mut rows = Vec::new();
    for provider in Provider::ALL {
        for front in Front::ALL {
            output::note_part(&format!("{} over {}:", provider.brand(), front.name()));
            let row = run_scenario(provider, front).await?;
            output::note(if row.ok { "" } else { " FAILED" });
            rows.push(row);
        }
    }
    let report = Report::of(rows);
    if as_json {
        output::json(&report)?;
    } else {
        output::bytes(report.to_string().as_bytes())?;
    }
    Ok(if report.ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Runs one account from its first login to its end.
async fn run_scenario(provider: Provider, front: Front) -> Result<Row, BoxError> {
    let mut setup = Setup::new(provider, front).await?;
    let mut steps = Vec::new();
    for expectation in expectation::scenario(provider) {
        output::note_part(&format!(" {}", expectation.step.name()));
        let (step, completed) = run_step(&mut setup, expectation).await;
        steps.push(step);
        if !completed {
            break;
        }
    }
    let problem = setup.accounts.shutdown(STEP_TIMEOUT).await.err();
    let problem = problem.map(|unwritten| causes(&unwritten));
    Ok(Row::new(provider.brand(), front.name(), steps, problem))
}

/// Runs one step and compares its counts. Returns whether the next steps make sense.
async fn run_step(setup: &mut Setup, expectation: &'static Expectation) -> (StepReport, bool) {
    setup.emulator.reset_counters();
    let outcome = tokio::time::timeout(STEP_TIMEOUT, steps::run(setup, expectation)).await;
    let problem = match outcome {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(causes(&*error)),
        Err(_) => Some(format!("not finished after {} s", STEP_TIMEOUT.as_secs())),
    };
    let completed = problem.is_none();
    let counters = setup.emulator.counters();
    (
        StepReport::new(expectation, setup.provider, &counters, problem),
        completed,
    )
}
