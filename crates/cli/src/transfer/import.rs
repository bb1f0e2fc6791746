//! `tokenkeeper import`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use serde_json::json;
use tokenkeeper::{Account, Status};
use zeroize::Zeroizing;

use super::{Line, Passphrase, sealed};
use crate::{
    BoxError,
    account::AccountName,
    app::{self, App, Which},
    causes,
    exit::{Exit, misconfigured},
    global::Global,
    output, progress,
    signal::interruptible,
    stdin::{self, InputError},
};

/// Takes accounts from a file of `export`, or from lines of JSON
///
/// A line is an object with `account` and `access_token`, and perhaps `refresh_token`, `expires_at`
/// (RFC 3339, or seconds since 1970), `refresh_expires_at`, `scope`, `token_type`, and `site` and
/// `client_id` to compare. All lines are checked before the first account is written. A connected
/// account is not replaced unless --replace is given.
///
/// Example: tokenkeeper import accounts.sealed
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The file. Default: stdin.
    file: Option<PathBuf>,
    /// Replace the tokens of accounts that are connected.
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    passphrase: Passphrase,
}

/// The most bytes that are read.
const MAX_INPUT: usize = 256 * 1024 * 1024;

/// A line that was checked.
struct Checked {
    number: usize,
    name: AccountName,
    account: Account,
    line: Line,
}

pub(crate) async fn run(arguments: Arguments, global: &Global) -> Result<ExitCode, BoxError> {
    let mut text = read(arguments.file.as_deref()).await?;
    if sealed::is_sealed(&text) {
        let passphrase = arguments.passphrase.read(false).await?;
        text = interruptible(move || sealed::open(&text, &passphrase)).await??;
    }
    app::with(global, Which::All, async |app| {
        let lines = check(app, &text, arguments.replace).await?;
        let mut failed = false;
        let mut shown = Ok(());
        for line in lines {
            let name = line.name.to_string();
            let (tokens, data) = line.line.into_tokens();
            let adopted = line.account.adopt_with(tokens, data);
            let problem = progress::show("writing", adopted).await.err();
            failed |= problem.is_some();
            let problem = problem.map(|error| causes(&error));
            // A reader that is gone ends no import in its middle.
            shown = shown.and(report(line.number, &name, problem.as_deref(), global.json));
        }
        if failed {
            return Ok(Exit::Failed.into());
        }
        shown.map(|()| ExitCode::SUCCESS)
    })
    .await
}

async fn read(file: Option<&Path>) -> Result<Zeroizing<String>, BoxError> {
    let Some(path) = file else {
        let explain = |problem| unusable("the input", &problem);
        return stdin::read(MAX_INPUT, explain).await;
    };
    let shown = path.display().to_string();
    let opened = fs::File::open(path)
        .map_err(|error| misconfigured(format!("{shown} cannot be read: {error}")))?;
    stdin::read_from(opened, MAX_INPUT).map_err(|problem| unusable(&shown, &problem))
}

fn unusable(name: &str, problem: &InputError) -> BoxError {
    misconfigured(format!("{name} {problem}, so nothing was imported")).into()
}

/// Checks all lines, and names all problems.
async fn check(app: &App, text: &str, replace: bool) -> Result<Vec<Checked>, BoxError> {
    let mut checked: Vec<Checked> = Vec::new();
    let mut problems = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let number = index + 1;
        match check_line(app, line, replace).await {
            Ok((name, account, line)) => {
                match checked.iter().find(|earlier| earlier.name == name) {
                    Some(earlier) => {
                        let number_before = earlier.number;
                        problems.push(format!("line {number}: {name} is in line {number_before}"));
                    }
                    None => checked.push(Checked {
                        number,
                        name,
                        account,
                        line,
                    }),
                }
            }
            Err(problem) => problems.push(format!("line {number}: {problem}")),
        }
    }
    if !problems.is_empty() {
        let problems = problems.join("; ");
        return Err(misconfigured(format!("nothing was imported: {problems}")).into());
    }
    if checked.is_empty() {
        return Err(misconfigured("the input has no accounts").into());
    }
    Ok(checked)
}

async fn check_line(
    app: &App,
    text: &str,
    replace: bool,
) -> Result<(AccountName, Account, Line), String> {
    let line = Line::parse(text)?;
    let name = line.name()?;
    let account = app.account(&name).map_err(|error| causes(&*error))?;
    line.check_source(&account)?;
    match account.status().await {
        Ok(Status::Connected(_)) if !replace => Err(format!(
            "{name} is connected: --replace replaces its tokens"
        )),
        Ok(_) => Ok((name, account, line)),
        Err(error) => Err(causes(&error)),
    }
}

fn report(line: usize, name: &str, problem: Option<&str>, as_json: bool) -> Result<(), BoxError> {
    let shown = match as_json {
        true => output::json(&json!({
            "line": line, "account": name, "imported": problem.is_none(), "problem": problem,
        })),
        false => Ok(()),
    };
    match problem {
        // Also where the reader of the JSON is gone.
        Some(problem) if !as_json || shown.is_err() => {
            let text = format!("line {line}: {name} was not imported: {problem}");
            output::error(&output::printable(&text));
        }
        None if !as_json => output::note(&format!("{name} is connected.")),
        _ => {}
    }
    shown
}
