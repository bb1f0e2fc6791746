//! The commands that maintain a store.

mod accounts;
mod location;
mod reencrypt;

pub(crate) use accounts::Arguments as AccountsArguments;
pub(crate) use accounts::run as accounts;
pub(crate) use reencrypt::Arguments as ReencryptArguments;
pub(crate) use reencrypt::run as reencrypt;

use std::{fmt, path::PathBuf};

use self::location::Location;
use crate::BoxError;

/// The options that name the store.
#[derive(Debug, clap::Args)]
struct StoreArguments {
    /// A file with the URL of the store. A URL with a password belongs there or into the
    /// environment, since other users of the machine see arguments.
    #[arg(long, value_name = "FILE", conflicts_with = "store")]
    store_file: Option<PathBuf>,
    /// The URL of the store: `sqlite:PATH`, or of a Redis: `rediss://HOST`
    ///
    /// `redis+cluster` and `redis+sentinel` work too. Default: tokenkeeper/accounts.db in the
    /// user's data folder.
    #[arg(
        long,
        env = "TOKENKEEPER_STORE",
        hide_env_values = true,
        value_name = "URL"
    )]
    store: Option<StoreUrl>,
}

impl StoreArguments {
    /// Parses the URL. It is no business of the argument parser, whose errors show values.
    fn location(&self) -> Result<Location, BoxError> {
        if let Some(path) = &self.store_file {
            let url = std::fs::read_to_string(path)
                .map_err(|error| format!("the file {} cannot be read: {error}", path.display()))?;
            return Ok(url.trim().parse()?);
        }
        match &self.store {
            Some(url) => Ok(url.0.parse()?),
            None => Location::default_file(),
        }
    }
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
