//! Where a client secret comes from: the environment, a file, or the configuration itself.

use std::{fmt, fs, path::Path};

use serde::Deserialize;

use super::{Config, ProviderConfig, variable};
use crate::{BoxError, exit::misconfigured};

/// A secret in the configuration. `Debug` does not show it.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([redacted])")
    }
}

/// Finds the client secret, or none for a public client.
pub(super) fn find(
    name: &str,
    provider: &ProviderConfig,
    config: &Config,
) -> Result<Option<String>, BoxError> {
    let default = default_variable(name);
    let named = provider.client_secret_env.as_deref();
    if let Some(secret) = variable(named.unwrap_or(&default)) {
        return Ok(Some(secret));
    }
    if let Some(variable) = named {
        let text = format!("{variable} is not set: it holds the client secret of `{name}`");
        return Err(misconfigured(text).into());
    }
    if let Some(file) = &provider.client_secret_file {
        let file = config.path(file);
        refuse_readable_by_others(&file)?;
        let secret = fs::read_to_string(&file).map_err(|error| {
            misconfigured(format!(
                "the secret {} cannot be read: {error}",
                file.display()
            ))
        })?;
        return Ok(Some(secret.trim_end_matches(['\r', '\n']).to_owned()));
    }
    Ok(provider
        .client_secret
        .as_ref()
        .map(|secret| secret.0.clone()))
}

/// Returns the environment variable of a provider's secret.
pub(crate) fn default_variable(name: &str) -> String {
    let name = name
        .to_ascii_uppercase()
        .replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    format!("TOKENKEEPER_{name}_SECRET")
}

/// Refuses a file with a secret that other users of the machine may read.
pub(super) fn refuse_readable_by_others(path: &Path) -> Result<(), BoxError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let shown = path.display();
        let metadata = fs::metadata(path)
            .map_err(|error| misconfigured(format!("the file {shown} cannot be read: {error}")))?;
        if metadata.permissions().mode() & 0o077 != 0 {
            let text = format!("others can read {shown}, which holds a secret: run `chmod 600`");
            return Err(misconfigured(text).into());
        }
    }
    let _ = path;
    Ok(())
}
