//! Where a client secret comes from: the environment, a file, the keychain, or the configuration
//! itself.

use std::{fmt, fs, path::Path};

use serde::Deserialize;
use zeroize::Zeroizing;

use super::{Config, ProviderConfig, variable};
use crate::{BoxError, exit::misconfigured, keychain, secret::without_line_end};

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
///
/// The provider's own variable comes first, then the one place that the configuration names.
pub(super) async fn find(
    name: &str,
    provider: &ProviderConfig,
    config: &Config,
) -> Result<Option<Zeroizing<String>>, BoxError> {
    refuse_two_places(name, provider)?;
    let default = default_variable(name);
    let named = provider.client_secret_env.as_deref();
    if let Some(secret) = variable(named.unwrap_or(&default)) {
        return Ok(Some(Zeroizing::new(secret)));
    }
    if let Some(variable) = named {
        let text = format!("{variable} is not set: it holds the client secret of `{name}`");
        return Err(misconfigured(text).into());
    }
    if let Some(file) = &provider.client_secret_file {
        let file = config.path(file);
        refuse_readable_by_others(&file)?;
        let text = fs::read_to_string(&file).map(Zeroizing::new);
        let text = text.map_err(|error| {
            misconfigured(format!(
                "the secret {} cannot be read: {error}",
                file.display()
            ))
        })?;
        return Ok(Some(Zeroizing::new(without_line_end(&text).to_owned())));
    }
    if let Some(entry) = &provider.client_secret_keychain {
        return Ok(Some(keychain::Entry::new(entry).secret().await?));
    }
    let secret = provider.client_secret.as_ref();
    Ok(secret.map(|secret| Zeroizing::new(secret.0.clone())))
}

/// Refuses two places of one secret: the other one would be ignored in silence.
fn refuse_two_places(name: &str, provider: &ProviderConfig) -> Result<(), BoxError> {
    let places = [
        ("client_secret", provider.client_secret.is_some()),
        ("client_secret_env", provider.client_secret_env.is_some()),
        ("client_secret_file", provider.client_secret_file.is_some()),
        (
            "client_secret_keychain",
            provider.client_secret_keychain.is_some(),
        ),
    ];
    let mut named = places.iter().filter(|(_, named)| *named);
    match (named.next(), named.next()) {
        (Some((one, _)), Some((other, _))) => Err(misconfigured(format!(
            "[providers.{name}] has both `{one}` and `{other}`: remove one of them"
        ))
        .into()),
        _ => Ok(()),
    }
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
