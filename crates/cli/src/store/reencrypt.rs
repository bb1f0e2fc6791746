//! `tokenkeeper reencrypt`: moves all records of a store to the current key.

use std::{path::PathBuf, process::ExitCode};

use tokenkeeper::store::Keyring;

use super::StoreArguments;
use crate::BoxError;

/// Encrypts the records of a store that are under an old key with the current one
///
/// Keys are `id:base64` of 32 bytes, separated by commas or spaces, the current one first. Give the
/// new keys to every process first.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    store: StoreArguments,
    /// The file with the keys. Default: the environment variable TOKENKEEPER_KEYS.
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
}

pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode, BoxError> {
    let keyring = match &arguments.keys {
        Some(file) => Keyring::from_file(file)?,
        None => Keyring::from_env("TOKENKEEPER_KEYS")?,
    };
    let done = arguments.store.location()?.reencrypt(keyring).await?;
    println!(
        "{} records re-encrypted, {} already under the current key",
        done.moved, done.current
    );
    for key in &done.left {
        eprintln!(
            "not re-encrypted: {key:?}; add its key, and give the current key to every process"
        );
    }
    Ok(if done.left.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
