//! Locations of stores.

use std::{path::PathBuf, str::FromStr, sync::Arc};

use tokenkeeper::{
    redis::RedisOptions,
    sqlite::SqliteStore,
    store::{Keyring, Keys, Reencryption, StoreError, TokenStore},
};

use crate::{BoxError, app::create_private_folder, config, exit::misconfigured};

/// The location of a store.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Location {
    Sqlite(PathBuf),
    Redis {
        /// It may hold a password.
        url: String,
        allow_unencrypted_network: bool,
    },
}

impl Location {
    /// Returns the default file in the user's folder.
    pub(crate) fn default_file() -> Result<Self, BoxError> {
        Ok(Self::Sqlite(config::data_folder()?.join("accounts.db")))
    }

    /// Returns whether this is the default file.
    pub(crate) fn is_default_file(&self) -> bool {
        Self::default_file().is_ok_and(|default| default == *self)
    }

    /// Returns whether there may be a store: a file would be created.
    pub(crate) fn exists(&self) -> bool {
        match self {
            Self::Sqlite(path) => path.exists(),
            Self::Redis { .. } => true,
        }
    }

    /// Opens the store, but creates no file.
    pub(crate) async fn open_existing(
        &self,
        keyring: Keyring,
    ) -> Result<Arc<dyn TokenStore>, BoxError> {
        if let Self::Sqlite(path) = self {
            existing(path)?;
        }
        self.open(keyring).await
    }

    /// Opens the store, or creates its file.
    pub(crate) async fn open(&self, keyring: Keyring) -> Result<Arc<dyn TokenStore>, BoxError> {
        Ok(match self {
            Self::Sqlite(path) => {
                if let Some(folder) = path.parent() {
                    create_private_folder(folder).map_err(|error| {
                        let folder = folder.display();
                        misconfigured(format!("the folder {folder} cannot be made: {error}"))
                    })?;
                }
                Arc::new(SqliteStore::open(path, keyring).await?)
            }
            Self::Redis {
                url,
                allow_unencrypted_network,
            } => {
                let options = redis_options(url, *allow_unencrypted_network);
                Arc::new(options.open(keyring).await?)
            }
        })
    }

    /// Opens the store without keys: values stay encrypted.
    pub(crate) async fn open_sealed(&self) -> Result<Arc<dyn TokenStore>, BoxError> {
        Ok(match self {
            Self::Sqlite(path) => Arc::new(SqliteStore::open_plaintext(existing(path)?).await?),
            Self::Redis {
                url,
                allow_unencrypted_network,
            } => {
                let options = redis_options(url, *allow_unencrypted_network);
                Arc::new(options.open_plaintext().await?)
            }
        })
    }

    pub(crate) async fn reencrypt(&self, keys: Keys) -> Result<Reencryption, BoxError> {
        let done: Result<_, StoreError> = match self {
            Self::Sqlite(path) => {
                let store = SqliteStore::open(existing(path)?, keys).await?;
                store.reencrypt().await
            }
            Self::Redis {
                url,
                allow_unencrypted_network,
            } => {
                let options = redis_options(url, *allow_unencrypted_network);
                options.open(keys).await?.reencrypt().await
            }
        };
        Ok(done?)
    }
}

fn redis_options(url: &str, allow_unencrypted_network: bool) -> RedisOptions {
    let options = RedisOptions::new(url);
    if allow_unencrypted_network {
        options.allow_unencrypted_network()
    } else {
        options
    }
}

/// Checks that the file exists: opening a mistyped path would make an empty store.
fn existing(path: &PathBuf) -> Result<&PathBuf, BoxError> {
    if path.exists() {
        return Ok(path);
    }
    Err(format!("no store at {}: name it with --store", path.display()).into())
}

impl FromStr for Location {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        match url.split_once(':') {
            Some(("sqlite", "")) => {
                Err("the path after `sqlite:` is missing: write sqlite:PATH".to_owned())
            }
            Some(("sqlite", path)) => Ok(Self::Sqlite(path.into())),
            Some((scheme, _)) if scheme.starts_with("redis") => Ok(Self::Redis {
                url: url.to_owned(),
                allow_unencrypted_network: false,
            }),
            Some((scheme, _)) => Err(format!(
                "unknown scheme `{scheme}`: write sqlite:PATH or redis://HOST"
            )),
            None => Err("the scheme is missing: write sqlite:PATH or redis://HOST".to_owned()),
        }
    }
}

/// Shows no password.
impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Redis { .. } => f.write_str("the Redis"),
        }
    }
}

impl std::fmt::Debug for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => f.debug_tuple("Sqlite").field(path).finish(),
            Self::Redis { .. } => f.write_str("Redis([redacted])"),
        }
    }
}
