//! `tokenkeeper reencrypt`: all records of a store under the current key.

use std::{path::PathBuf, process::ExitCode};

use tokenkeeper::store::Keyring;

use super::Place;
use crate::BoxError;

/// Encrypts every record of a store that is under an old key with the current one
///
/// The keys are `id:base64` of 32 bytes, separated by commas or blanks, the current one first. Give every process the new keys before.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    place: Place,
    /// The file with the keys. Default: the environment variable TOKENKEEPER_KEYS.
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
}

pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode, BoxError> {
    let keyring = match &arguments.keys {
        Some(file) => Keyring::from_file(file)?,
        None => Keyring::from_env("TOKENKEEPER_KEYS")?,
    };
    let done = arguments.place.location()?.reencrypt(keyring).await?;
    println!(
        "{} records encrypted anew, {} under the current key already",
        done.moved, done.current
    );
    for key in &done.left {
        eprintln!(
            "left as it was: {key:?}; its key is not among those given, or another process still writes with an old one"
        );
    }
    Ok(if done.left.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
