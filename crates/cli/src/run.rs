//! `tokenkeeper run`.

use std::{
    ffi::OsString,
    io,
    process::{Command, ExitCode},
    time::Duration,
};

use crate::{
    BoxError,
    account::AccountName,
    app::{self, Which},
    exit::{cannot_run, misconfigured},
    global::Global,
    token::Fresh,
};

/// Runs a program with a fresh token in an environment variable
///
/// The token is in no argument, where other users of the machine would see it. The exit status is
/// the program's, 127 if it is not found, and 126 if it cannot be run. The program gets the token
/// once: one that runs for longer than a token is valid calls `tokenkeeper token` itself.
///
/// Example: tokenkeeper run github --env GH_TOKEN -- gh repo list
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// PROVIDER, or PROVIDER/NAME.
    account: AccountName,
    /// The variable that holds the token.
    #[arg(long, value_name = "NAME", default_value = "TOKENKEEPER_TOKEN", value_parser = variable)]
    env: String,
    /// Refresh a token that expires sooner, such as `10m`.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    valid_for: Option<Duration>,
    /// The program and its arguments.
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

pub(crate) async fn run(arguments: Arguments, global: &Global) -> Result<ExitCode, BoxError> {
    let provider = [arguments.account.provider.as_str()];
    let fresh = app::with(global, Which::Named(&provider), async |app| {
        let account = app.account(&arguments.account)?;
        Fresh::take(&account, arguments.valid_for).await
    })
    .await?;
    let Some((program, further)) = arguments.command.split_first() else {
        return Err(misconfigured("no program was named").into());
    };
    let mut command = Command::new(program);
    command
        .args(further)
        .env(&arguments.env, fresh.token.expose());
    run_instead(command).map_err(|error| {
        let text = format!("{} cannot be run: {error}", program.display());
        cannot_run(text, error.kind() == io::ErrorKind::NotFound)
    })
}

/// Becomes the program, so that signals reach it and its status is ours.
#[cfg(unix)]
fn run_instead(mut command: Command) -> io::Result<ExitCode> {
    use std::os::unix::process::CommandExt as _;
    Err(command.exec())
}

/// Runs the program, and returns its status.
#[cfg(windows)]
fn run_instead(mut command: Command) -> io::Result<ExitCode> {
    let code = command.status()?.code().unwrap_or(1);
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

fn variable(name: &str) -> Result<String, &'static str> {
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err("write the name of an environment variable");
    }
    Ok(name.to_owned())
}
