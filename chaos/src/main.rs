//! Real processes on a real store, killed, stopped and cut off at random.
//!
//! The director runs the strict Amiqus emulator, the store and the workers, and injects faults by a
//! seeded schedule. Each worker is an ordinary user of tokenkeeper that reports its events on
//! standard output. At the end the director checks the emulator's log of presentations and the
//! workers' events against the promises.

mod config;
mod director;
mod fingerprint;
mod judge;
mod message;
mod random;
mod worker;

use std::{error::Error, process::ExitCode};

use clap::{Parser, Subcommand};

type BoxError = Box<dyn Error + Send + Sync>;

/// Kills, stops and cuts off workers at random, then reports lost and twice presented tokens.
///
/// The exit status is 0 if all promises held, 1 if one was broken, 2 if the run itself failed.
#[derive(Debug, Parser)]
#[command(name = "tokenkeeper-chaos", version)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: director::Arguments,
}

// The roles other than the director. A doc comment would become the help text.
#[derive(Debug, Subcommand)]
enum Command {
    /// Runs one worker; the director starts it.
    #[command(hide = true)]
    Worker(worker::Arguments),
}

fn main() -> ExitCode {
    let CommandLine { command, run } = CommandLine::parse();
    let result = match command {
        Some(Command::Worker(arguments)) => worker::run(arguments),
        None => director::run(&run),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", causes(&*error));
            ExitCode::from(2)
        }
    }
}

/// Formats an error with its sources.
fn causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text = format!("{text}: {error}");
        next = error.source();
    }
    text
}
