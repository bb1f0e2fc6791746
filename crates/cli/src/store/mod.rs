//! The commands that look after a store.

mod accounts;
mod location;
mod reencrypt;

pub(crate) use accounts::Arguments as AccountsArguments;
pub(crate) use accounts::run as accounts;
pub(crate) use reencrypt::Arguments as ReencryptArguments;
pub(crate) use reencrypt::run as reencrypt;

use self::location::Location;

/// Which store.
#[derive(Debug, clap::Args)]
struct Place {
    /// `sqlite:PATH`, or a Redis URL such as rediss://user:password@host/0; redis+cluster and redis+sentinel too.
    ///
    /// Default: the file tokenkeeper/accounts.db in the folder for data of the user.
    #[arg(
        long,
        env = "TOKENKEEPER_STORE",
        hide_env_values = true,
        value_name = "URL"
    )]
    store: Option<Location>,
}

impl Place {
    fn location(&self) -> Result<Location, crate::BoxError> {
        match &self.store {
            Some(location) => Ok(location.clone()),
            None => Location::default_file(),
        }
    }
}
