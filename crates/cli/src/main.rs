//! The command `tokenkeeper`.

mod demo;
mod emulate;
mod store;

use std::{error::Error, process::ExitCode};

use clap::{Parser, Subcommand};

type BoxError = Box<dyn Error + Send + Sync>;

/// Keeps OAuth 2.0 tokens of other people's accounts fresh, and never loses one.
#[derive(Debug, Parser)]
#[command(name = "tokenkeeper", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Arguments),
    Emulate(emulate::Arguments),
    Accounts(store::AccountsArguments),
    Reencrypt(store::ReencryptArguments),
}

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Demo(arguments) => demo::run(&arguments).await,
        Command::Emulate(arguments) => emulate::run(arguments).await,
        Command::Accounts(arguments) => store::accounts(arguments).await,
        Command::Reencrypt(arguments) => store::reencrypt(arguments).await,
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", causes(&*error));
            ExitCode::FAILURE
        }
    }
}

/// Returns an error with its chain of sources, as text.
fn causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text = format!("{text}: {error}");
        next = error.source();
    }
    text
}
