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
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    let result = match arguments.command {
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

/// Prints a help text, or an error about the arguments without the passwords of URLs.
fn usage(error: &clap::Error) -> ExitCode {
    let is_error = error.use_stderr();
    let text = without_passwords(&error.to_string());
    if is_error {
        eprint!("{text}");
    } else {
        print!("{text}");
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// Replaces what stands between the scheme and the host of URLs.
fn without_passwords(text: &str) -> String {
    let mut parts = text.split("//");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        shown.push_str("//");
        let word = part.split_whitespace().next().unwrap_or_default();
        match word.rfind('@') {
            Some(at) => shown.push_str(&format!("[redacted]{}", &part[at..])),
            None => shown.push_str(part),
        }
    }
    shown
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
