//! The commands that maintain a store.

mod accounts;
mod key_program;
mod keys;
mod location;
mod reencrypt;

pub(crate) use accounts::Arguments as AccountsArguments;
pub(crate) use accounts::run as accounts;
pub(crate) use keys::Arguments as KeysArguments;
pub(crate) use keys::run as keys;
pub(crate) use reencrypt::Arguments as ReencryptArguments;
pub(crate) use reencrypt::run as reencrypt;

use std::{fmt, path::PathBuf};

pub(crate) use self::location::Location;
use crate::{BoxError, config::Config, exit::misconfigured};

/// The options that name the store.
#[derive(Debug, clap::Args)]
pub(crate) struct StoreArguments {
    /// A file with the URL of the store. A URL with a password belongs there or into the
    /// environment, since other users of the machine see arguments.
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "store")]
    store_file: Option<PathBuf>,
    /// The URL of the store: `sqlite:PATH`, or of a Redis: `rediss://HOST`
    ///
    /// `redis+cluster` and `redis+sentinel` work too. Default: tokenkeeper/accounts.db in the
    /// user's data folder.
    #[arg(
        long,
        global = true,
        env = "TOKENKEEPER_STORE",
        hide_env_values = true,
        value_name = "URL"
    )]
    store: Option<StoreUrl>,
    /// Speak to a Redis beyond loopback without TLS, where nothing else can read the network
    #[arg(long, env = "TOKENKEEPER_ALLOW_UNENCRYPTED_NETWORK")]
    allow_unencrypted_network: bool,
}

impl StoreArguments {
    /// Finds the store: an argument, the environment, the configuration, the default file.
    ///
    /// The argument parser does not parse the URL, since its errors show values.
    pub(crate) fn location(&self, config: &Config) -> Result<Location, BoxError> {
        let mut location = self.named_location(config)?;
        if let Location::Redis {
            allow_unencrypted_network,
            ..
        } = &mut location
        {
            *allow_unencrypted_network = self.allow_unencrypted_network;
        }
        Ok(location)
    }

    fn named_location(&self, config: &Config) -> Result<Location, BoxError> {
        if let Some(path) = &self.store_file {
            let url = std::fs::read_to_string(path).map_err(|error| {
                misconfigured(format!(
                    "the file {} cannot be read: {error}",
                    path.display()
                ))
            })?;
            return parse(url.trim());
        }
        match (&self.store, &config.store) {
            (Some(url), _) => parse(&url.0),
            (None, Some(url)) => parse(url),
            (None, None) => Location::default_file(),
        }
    }
}

fn parse(url: &str) -> Result<Location, BoxError> {
    url.parse()
        .map_err(|problem: String| misconfigured(problem).into())
}

/// The text of a URL, which may hold a password.
#[derive(Clone)]
struct StoreUrl(String);

impl From<&str> for StoreUrl {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreUrl([redacted])")
    }
}
