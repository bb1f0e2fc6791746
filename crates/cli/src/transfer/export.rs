//! `tokenkeeper export`.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use serde_json::json;
use tempfile::NamedTempFile;
use tokenkeeper::{Account, Status};
use zeroize::Zeroizing;

use super::{Line, Passphrase, sealed};
use crate::{
    BoxError,
    account::AccountName,
    app::{self, App, Which},
    exit::misconfigured,
    global::Global,
    output, progress,
};

/// Moves accounts into a file that is sealed with a passphrase
///
/// A provider that replaces refresh tokens takes each one once, so an account must have one owner:
/// once the file is written, the accounts are forgotten here. Each is refreshed first. Stop workers
/// that use them before. With --keep they stay: then use one of the two copies only, or the
/// provider may end both.
///
/// Examples:
///   tokenkeeper export --all --output accounts.sealed
///   tokenkeeper import accounts.sealed
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// PROVIDER, or PROVIDER/NAME.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    accounts: Vec<AccountName>,
    /// Export all connected accounts of the configured providers.
    #[arg(long)]
    all: bool,
    /// The file to write. An existing one is left as it is.
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Leave the accounts here, too.
    #[arg(long)]
    keep: bool,
    #[command(flatten)]
    passphrase: Passphrase,
}

/// An account in the file.
struct Exported {
    name: AccountName,
    account: Account,
    /// The number of the token set that was written.
    generation: u64,
}

pub(crate) async fn run(arguments: Arguments, global: &Global) -> Result<ExitCode, BoxError> {
    if arguments.output.exists() {
        let shown = arguments.output.display();
        return Err(misconfigured(format!("{shown} exists: name a new file")).into());
    }
    let passphrase = arguments.passphrase.read(true).await?;
    let names = arguments.accounts.iter();
    let names: Vec<_> = names.map(|name| name.provider.as_str()).collect();
    let which = match arguments.all {
        true => Which::All,
        false => Which::Named(&names),
    };
    app::with(global, which, async |app| {
        let mut lines = Vec::new();
        let mut exported = Vec::new();
        for (name, account) in accounts(app, &arguments).await? {
            if !arguments.keep {
                progress::show("refreshing", refresh(&account)).await?;
            }
            let token = account.token().await?;
            let tokens = account.token_set().await?;
            let data = account.login_data().await?;
            lines.push(Line::new(&name, &account.key(), &tokens, data).to_text()?);
            exported.push(Exported {
                name,
                account,
                generation: token.generation(),
            });
        }
        let lines: Vec<_> = lines.iter().map(|line| line.as_str()).collect();
        let text = Zeroizing::new(lines.concat());
        write(&arguments.output, &sealed::seal(&text, &passphrase)?)?;
        if !arguments.keep {
            forget(&exported, &arguments.output).await?;
        }
        report(&exported, &arguments, global.json)?;
        Ok(ExitCode::SUCCESS)
    })
    .await
}

async fn accounts(
    app: &App,
    arguments: &Arguments,
) -> Result<Vec<(AccountName, Account)>, BoxError> {
    let mut found = Vec::new();
    if arguments.all {
        for (name, account) in app.kept_accounts().await? {
            match account.status().await? {
                Status::Connected(connection) if connection.reauthorize.is_some() => {
                    output::note(&format!("{name} needs a login, so it is not exported."));
                }
                Status::Connected(_) => found.push((name, account)),
                _ => {}
            }
        }
    } else {
        for name in &arguments.accounts {
            if !found.iter().any(|(known, _)| known == name) {
                found.push((name.clone(), app.account(name)?));
            }
        }
    }
    if found.is_empty() {
        return Err(misconfigured("no account is connected: there is nothing to export").into());
    }
    Ok(found)
}

/// Refreshes the tokens, if they can be: then no other process has a refresh in flight.
async fn refresh(account: &Account) -> Result<(), BoxError> {
    if let Status::Connected(connection) = account.status().await?
        && connection.has_refresh_token
    {
        account.refresh().await?;
    }
    Ok(())
}

/// Writes the file as a whole, readable by the user alone.
fn write(path: &Path, text: &str) -> Result<(), BoxError> {
    let failed = |error: io::Error| {
        let shown = path.display();
        misconfigured(format!(
            "{shown} cannot be written, so nothing was moved: {error}"
        ))
    };
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut file = NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist_noclobber(path)
        .map_err(|error| failed(error.error))?;
    Ok(())
}

/// Forgets what is in the file. An account that was refreshed meanwhile stays, and is named.
async fn forget(exported: &[Exported], file: &Path) -> Result<(), BoxError> {
    let mut left = Vec::new();
    for Exported {
        name,
        account,
        generation,
    } in exported
    {
        match account.status().await {
            Ok(Status::Connected(now)) if now.generation == *generation => {}
            _ => {
                left.push(name.to_string());
                continue;
            }
        }
        if account.forget().await.is_err() {
            left.push(name.to_string());
        }
    }
    if left.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{} changed during the export and stay here: don't import them from {}; stop what uses \
         them, and export them again",
        left.join(", "),
        file.display()
    )
    .into())
}

fn report(exported: &[Exported], arguments: &Arguments, as_json: bool) -> Result<(), BoxError> {
    let names: Vec<_> = exported
        .iter()
        .map(|exported| exported.name.to_string())
        .collect();
    if as_json {
        return output::json(&json!({
            "exported": names,
            "output": arguments.output,
            "kept": arguments.keep,
        }));
    }
    let (names, file) = (names.join(", "), arguments.output.display());
    output::note(&if arguments.keep {
        format!(
            "{names}: copied to {file}. Use one of the two copies only: a provider that replaces \
             refresh tokens may end both."
        )
    } else {
        format!("{names}: moved to {file}, and forgotten here.")
    });
    Ok(())
}
