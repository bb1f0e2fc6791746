//! The passphrase of an export.

use std::{fs, path::PathBuf};

use zeroize::Zeroizing;

use crate::{BoxError, exit::misconfigured, secret};

/// The variable that a script sets.
const VARIABLE: &str = "TOKENKEEPER_PASSPHRASE";

/// Where the passphrase comes from: a file, the environment, or the terminal. Never an argument.
#[derive(Debug, clap::Args)]
pub(super) struct Passphrase {
    /// A file with the passphrase. Default: the environment variable TOKENKEEPER_PASSPHRASE, then
    /// the terminal.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl Passphrase {
    /// Reads it; from the terminal twice if it is new.
    pub(super) async fn read(&self, is_new: bool) -> Result<Zeroizing<String>, BoxError> {
        let passphrase = match &self.passphrase_file {
            Some(file) => {
                let text = fs::read_to_string(file).map_err(|error| {
                    let file = file.display();
                    misconfigured(format!("the passphrase {file} cannot be read: {error}"))
                })?;
                let text = Zeroizing::new(text);
                Zeroizing::new(secret::without_line_end(&text).to_owned())
            }
            None => match std::env::var(VARIABLE) {
                Ok(text) => Zeroizing::new(text),
                Err(_) => ask(is_new).await?,
            },
        };
        if passphrase.is_empty() {
            return Err(misconfigured("the passphrase is empty").into());
        }
        Ok(passphrase)
    }
}

async fn ask(is_new: bool) -> Result<Zeroizing<String>, BoxError> {
    let otherwise = format!("use --passphrase-file, or set {VARIABLE}");
    let passphrase = secret::ask("Passphrase: ", &otherwise).await?;
    if is_new && *secret::ask("Once more: ", &otherwise).await? != *passphrase {
        return Err(misconfigured("the two passphrases differ: start again").into());
    }
    Ok(passphrase)
}
