//! Real processes on a real store, killed, stopped and cut off at random, against the strict Amiqus emulator.
//!
//! One process directs: it holds the emulator, starts the workers and the store, and spoils things by a schedule that a seed decides.
//! Each worker is an ordinary user of tokenkeeper that says on its standard output what it does. In the end the director judges by the
//! emulator's log of presentations and by what the workers said.

mod director;
mod judge;
mod mark;
mod random;
mod said;
mod terms;
mod worker;

use std::{error::Error, process::ExitCode};

use clap::{Parser, Subcommand};

type BoxError = Box<dyn Error + Send + Sync>;

/// Kills, stops and cuts off workers at random for a while, then says whether any token was lost or presented twice.
///
/// The exit status is 0 if all held, 1 if a promise was broken, 2 if the run itself failed.
#[derive(Debug, Parser)]
#[command(name = "tokenkeeper-chaos", version)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: director::Arguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// What the program starts itself as.
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

/// An error with all that led to it.
fn causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text = format!("{text}: {error}");
        next = error.source();
    }
    text
}
