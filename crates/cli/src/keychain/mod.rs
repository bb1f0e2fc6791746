//! The operating system's keychain: `tokenkeeper keychain`, and the entries that a configuration
//! names.

mod entry;

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

pub(crate) use self::entry::Entry;
use crate::{BoxError, config, exit::interrupted, global::Global, output, secret, signal::Signals};

/// The entry of the store's keys, unless the configuration names another one.
pub(crate) const KEYS: &str = "keys";

/// Keeps secrets in the keychain of the operating system
///
/// That is macOS's keychain, Windows' credential manager, or the Secret Service of a Linux desktop.
/// A configuration names an entry by `client_secret_keychain = "NAME"`, and takes the store's keys
/// from there by `keys = "keychain"`.
///
/// Examples:
///   tokenkeeper keychain set github
///   tokenkeeper keychain draw
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Writes a secret to an entry, and replaces what it holds
    ///
    /// The terminal asks for it, and does not show it. Keys of a store are replaced only by keys
    /// that include them, as a rotation needs.
    ///
    /// Example: tokenkeeper keychain set github
    Set {
        /// The name of the entry.
        name: String,
        /// Read the secret from stdin.
        #[arg(long)]
        stdin: bool,
        /// Replace keys of a store: what they encrypt is lost.
        #[arg(long)]
        force: bool,
    },
    /// Draws a key for a store, and writes it to an entry that does not exist yet
    ///
    /// Call it once, before the first login: what a lost key encrypts is lost.
    ///
    /// Example: tokenkeeper keychain draw
    Draw {
        /// The name of the entry.
        #[arg(default_value = KEYS)]
        name: String,
    },
    /// Removes an entry
    ///
    /// Example: tokenkeeper keychain remove github
    Remove {
        /// The name of the entry.
        name: String,
        /// Remove keys of a store: what they encrypt is lost.
        #[arg(long)]
        force: bool,
    },
}

pub(crate) async fn run(arguments: Arguments, global: &Global) -> Result<ExitCode, BoxError> {
    // A keychain may wait for a person, who may press Ctrl-C instead.
    let mut signals = Signals::listen()?;
    let (name, done) = tokio::select! {
        done = change(arguments.command) => done?,
        exit = signals.received() => return Err(interrupted(exit)),
    };
    if global.json {
        output::json(&json!({ "entry": name, "state": done }))?;
    } else {
        output::note(&format!("The entry `{name}` is {done}."));
    }
    Ok(ExitCode::SUCCESS)
}

/// Changes an entry. Returns its name and what is done.
async fn change(command: Command) -> Result<(String, &'static str), BoxError> {
    Ok(match command {
        Command::Set { name, stdin, force } => {
            let secret = if stdin {
                secret::from_stdin("--stdin").await?
            } else {
                secret::ask("Secret: ", "use --stdin").await?
            };
            Entry::new(&name).write(secret, force).await?;
            (name, "written")
        }
        Command::Draw { name } => {
            Entry::new(&name).draw(&config::data_folder()?).await?;
            (name, "written")
        }
        Command::Remove { name, force } => {
            Entry::new(&name).remove(force).await?;
            (name, "removed")
        }
    })
}
