//! `tokenkeeper reencrypt`: moves all records of a store to the current key.

use std::{ffi::OsString, process::ExitCode, time::Duration};

use serde_json::json;
use tokenkeeper::store::{Keyring, Keys};

use super::key_program::KeyProgram;
use crate::{BoxError, app, config::Config, global::Global, output, progress};

/// Encrypts the records of a store that are under an old key with the current one
///
/// Keys are `id:base64` of 32 bytes, separated by commas or spaces, the current one first. Give the
/// new keys to every process first.
///
/// A key management service wraps a data key for each record, through a program: `PROGRAM wrap`
/// reads a key in base64 and prints the id of the wrapping key and the wrapped key in base64;
/// `PROGRAM unwrap ID` reads a wrapped key and prints the key. It ends with 3 if it can never
/// unwrap this one, and with another status if it fails for now.
///
/// Example: tokenkeeper reencrypt --keys new-keys
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Move the records to data keys that this program wraps. The keys only read.
    #[arg(long, value_name = "PROGRAM", conflicts_with = "unwrap_with")]
    wrap_with: Option<OsString>,
    /// Move the records whose data keys this program unwraps to the current key.
    #[arg(long, value_name = "PROGRAM")]
    unwrap_with: Option<OsString>,
}

impl Arguments {
    fn keys(&self, keyring: Keyring) -> Keys {
        let keys = match (&self.wrap_with, &self.unwrap_with) {
            (Some(program), _) => Keys::from_service(KeyProgram::new(program)).with_old(keyring),
            (None, Some(program)) => {
                Keys::from(keyring).with_old(Keys::from_service(KeyProgram::new(program)))
            }
            (None, None) => keyring.into(),
        };
        keys.with_timeout(PROGRAM_TIMEOUT)
    }
}

/// How long a program may take to wrap or unwrap a key.
const PROGRAM_TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) async fn run(arguments: Arguments, global: &Global) -> Result<ExitCode, BoxError> {
    let config = Config::read(global.config.as_deref())?;
    let location = global.store.location(&config)?;
    let keyring = app::keyring(global, &config, &location).await?;
    let done = progress::show("encrypting", location.reencrypt(arguments.keys(keyring))).await?;
    if global.json {
        let left = done.left.iter();
        let left: Vec<_> = left
            .map(|key| json!({ "provider": key.brand(), "digest": key.digest().to_string() }))
            .collect();
        output::json(&json!({ "moved": done.moved, "current": done.current, "left": left }))?;
    } else {
        output::line(&format!(
            "{} records re-encrypted, {} already under the current key",
            done.moved, done.current
        ))?;
    }
    for key in &done.left {
        output::note(&format!(
            "not re-encrypted: {key:?}; add its key, and give the current key to every process"
        ));
    }
    Ok(if done.left.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
