//! The command `tokenkeeper`.

mod account;
mod app;
mod completions;
mod config;
mod demo;
mod doctor;
mod emulate;
mod exit;
mod global;
mod init;
mod keychain;
mod login;
mod man;
mod output;
mod progress;
mod providers;
mod request;
mod run;
mod secret;
mod signal;
mod stdin;
mod store;
mod time;
mod token;
mod transfer;
mod worker;

use std::{error::Error, process::ExitCode};

use clap::{CommandFactory as _, Parser, Subcommand};
use tokenkeeper::store::ErrorChain;
use tokio::runtime::Runtime;

use self::{exit::Exit, global::Global};

type BoxError = Box<dyn Error + Send + Sync>;

/// Keeps OAuth 2.0 tokens of other people's accounts fresh, and never loses one.
///
/// Exit status: 0 done; 1 failed; 2 the configuration or an argument is wrong; 3 the account needs
/// a login; 4 try again later; 22 the API answered with an error; 126 the program of `run` cannot
/// be run, and 127 it is not found; 129, 130 and 143 ended by SIGHUP, Ctrl-C and SIGTERM; 141 the
/// reader of the output is gone.
#[derive(Debug, Parser)]
#[command(name = "tokenkeeper", version)]
struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Arguments),
    Login(login::Arguments),
    Accounts(store::AccountsArguments),
    Status(account::status::Arguments),
    Refresh(account::refresh::Arguments),
    Token(token::Arguments),
    Request(request::Arguments),
    Run(run::Arguments),
    Logout(account::logout::Arguments),
    Forget(account::forget::Arguments),
    Export(transfer::export::Arguments),
    Import(transfer::import::Arguments),
    Keys(store::KeysArguments),
    Reencrypt(store::ReencryptArguments),
    Keychain(keychain::Arguments),
    Worker(worker::Arguments),
    Doctor(doctor::Arguments),
    Providers(providers::Arguments),
    Demo(demo::Arguments),
    Emulate(emulate::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    progress::start(arguments.global.json);
    let result = match Runtime::new() {
        Ok(runtime) => {
            let result = runtime.block_on(run(arguments));
            // A read of the terminal cannot be cancelled, and must not hold up the end.
            runtime.shutdown_background();
            result
        }
        Err(error) => Err(error.into()),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            let exit = Exit::of(&*error);
            // The reader has what it wanted.
            if exit != Exit::PipeClosed {
                output::error(&output::printable(&causes(&*error)));
            }
            exit.into()
        }
    }
}

async fn run(arguments: Arguments) -> Result<ExitCode, BoxError> {
    let global = &arguments.global;
    match arguments.command {
        Command::Init(arguments) => init::run(&arguments, global),
        Command::Login(arguments) => login::run(arguments, global).await,
        Command::Accounts(arguments) => store::accounts(arguments, global).await,
        Command::Status(arguments) => account::status::run(arguments, global).await,
        Command::Refresh(arguments) => account::refresh::run(arguments, global).await,
        Command::Token(arguments) => token::run(arguments, global).await,
        Command::Request(arguments) => request::run(arguments, global).await,
        Command::Run(arguments) => run::run(arguments, global).await,
        Command::Logout(arguments) => account::logout::run(arguments, global).await,
        Command::Forget(arguments) => account::forget::run(arguments, global).await,
        Command::Export(arguments) => transfer::export::run(arguments, global).await,
        Command::Import(arguments) => transfer::import::run(arguments, global).await,
        Command::Keys(arguments) => store::keys(arguments, global).await,
        Command::Reencrypt(arguments) => store::reencrypt(arguments, global).await,
        Command::Keychain(arguments) => keychain::run(arguments, global).await,
        Command::Doctor(arguments) => doctor::run(arguments, global).await,
        Command::Providers(arguments) => providers::run(arguments, global),
        Command::Worker(arguments) => worker::run(arguments, global).await,
        Command::Demo(arguments) => demo::run(&arguments, global.json).await,
        Command::Emulate(arguments) => emulate::run(arguments, global.json).await,
        Command::Completions(arguments) => completions::run(&arguments, Arguments::command()),
        Command::Man(arguments) => man::run(&arguments, Arguments::command(), global),
    }
}

/// Prints a help text, or an error about the arguments without the passwords of URLs.
fn usage(error: &clap::Error) -> ExitCode {
    let is_error = error.use_stderr();
    let text = without_passwords(&error.to_string());
    if is_error {
        output::note_part(&text);
    } else if let Err(error) = output::bytes(text.as_bytes()) {
        return Exit::of(&error).into();
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
    ErrorChain::of(error).to_string()
}
