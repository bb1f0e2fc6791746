//! The trait of what loads a keyring, the environment and a file.

use std::fmt;
use std::path::PathBuf;

use async_trait::async_trait;

use super::super::keyring::{Keyring, KeyringError};

/// Loads a [`Keyring`], at the start and whenever its keys may have changed.
///
/// [`Keys::from_source`](crate::Keys::from_source) caches what it loads, and bounds each call. The
/// keyring of a [`FlowKey`] is loaded by a call of [`load`](Self::load) at the start.
///
/// ```
/// use tokenkeeper_store::{KeySource, KeyringVariable};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let source = KeyringVariable::new("APP_TOKEN_KEYS");
/// let error = source.load().await.expect_err("it is not set here");
/// assert!(error.to_string().contains("APP_TOKEN_KEYS is not set"));
/// # }
/// ```
///
/// [`FlowKey`]: https://docs.rs/tokenkeeper-engine/latest/tokenkeeper_engine/struct.FlowKey.html
#[async_trait]
pub trait KeySource: fmt::Debug + Send + Sync + 'static {
    /// Loads the keyring.
    ///
    /// The future may be dropped at any time.
    ///
    /// # Errors
    /// A source that cannot be read now, or that holds no valid keyring.
    async fn load(&self) -> Result<Keyring, KeyringError>;
}

/// The text of a keyring in an environment variable.
#[derive(Clone, Debug)]
pub struct KeyringVariable {
    name: String,
}

impl KeyringVariable {
    /// Creates a source that reads the variable `name`.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into() }
    }
}

#[async_trait]
impl KeySource for KeyringVariable {
    async fn load(&self) -> Result<Keyring, KeyringError> {
        Keyring::from_env(&self.name)
    }
}

/// The text of a keyring in a file that only its owner may read. A change of the file is noticed
/// within minutes.
#[derive(Clone, Debug)]
pub struct KeyringFile {
    path: PathBuf,
    readable_by_others: bool,
}

impl KeyringFile {
    /// Creates a source that reads the file at `path`.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            readable_by_others: false,
        }
    }

    /// Allows a file that other users of the machine may read, such as a secret that a container's
    /// runtime mounts.
    #[must_use]
    pub const fn readable_by_others(mut self) -> Self {
        self.readable_by_others = true;
        self
    }
}

#[async_trait]
impl KeySource for KeyringFile {
    async fn load(&self) -> Result<Keyring, KeyringError> {
        let Self {
            path,
            readable_by_others,
        } = self.clone();
        let read = move || {
            if readable_by_others {
                Keyring::from_file_readable_by_others(&path)
            } else {
                Keyring::from_file(&path)
            }
        };
        super::ring::blocking(read).await
    }
}
