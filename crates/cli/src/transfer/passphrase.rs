//! The passphrase of an export.

use std::{fs, io, path::PathBuf};

use zeroize::Zeroizing;

use crate::{BoxError, exit::misconfigured};

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
    pub(super) fn read(&self, is_new: bool) -> Result<Zeroizing<String>, BoxError> {
        let passphrase = match &self.passphrase_file {
            Some(file) => {
                let text = fs::read_to_string(file).map_err(|error| {
                    let file = file.display();
                    misconfigured(format!("the passphrase {file} cannot be read: {error}"))
                })?;
                let text = Zeroizing::new(text);
                Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned())
            }
            None => match std::env::var(VARIABLE) {
                Ok(text) => Zeroizing::new(text),
                Err(_) => ask(is_new)?,
            },
        };
        if passphrase.is_empty() {
            return Err(misconfigured("the passphrase is empty").into());
        }
        Ok(passphrase)
    }
}

fn ask(is_new: bool) -> Result<Zeroizing<String>, BoxError> {
    let prompt = |text: &str| {
        let answer = rpassword::prompt_password(text);
        answer.map(Zeroizing::new).map_err(no_terminal)
    };
    let passphrase = prompt("Passphrase: ")?;
    if is_new && *prompt("Once more: ")? != *passphrase {
        return Err(misconfigured("the two passphrases differ: start again").into());
    }
    Ok(passphrase)
}

fn no_terminal(error: io::Error) -> BoxError {
    misconfigured(format!(
        "no passphrase: there is no terminal to ask ({error}), so use --passphrase-file or set \
         {VARIABLE}"
    ))
    .into()
}
