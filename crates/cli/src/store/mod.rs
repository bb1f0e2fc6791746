//! The commands that maintain a store.

mod accounts;
mod location;
mod reencrypt;

pub(crate) use accounts::Arguments as AccountsArguments;
pub(crate) use accounts::run as accounts;
pub(crate) use reencrypt::Arguments as ReencryptArguments;
pub(crate) use reencrypt::run as reencrypt;

use self::location::Location;

/// The options that name the store.
#[derive(Debug, clap::Args)]
struct StoreArguments {
    /// The store: `sqlite:PATH` or a Redis URL such as rediss://user:password@host/0
    ///
    /// redis+cluster and redis+sentinel work too. Default: tokenkeeper/accounts.db in the user's
    /// data folder.
    #[arg(
        long,
        env = "TOKENKEEPER_STORE",
        hide_env_values = true,
        value_name = "URL"
    )]
    store: Option<Location>,
}

impl StoreArguments {
    fn location(&self) -> Result<Location, crate::BoxError> {
        match &self.store {
            Some(location) => Ok(location.clone()),
            None => Location::default_file(),
        }
    }
}
