//! `tokenkeeper reencrypt`: moves all records of a store to the current key.

use std::process::ExitCode;

use crate::{BoxError, app, config::Config, global::Global};

/// Encrypts the records of a store that are under an old key with the current one
///
/// Keys are `id:base64` of 32 bytes, separated by commas or spaces, the current one first. Give the
/// new keys to every process first.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {}

pub(crate) async fn run(_: Arguments, global: &Global) -> Result<ExitCode, BoxError> {
    let config = Config::read(global.config.as_deref())?;
    let location = global.store.location(&config)?;
    let keyring = app::keyring(global, &config, &location)?;
    let done = location.reencrypt(keyring).await?;
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
