//! The error of a keyring.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::BoxError;

/// The error of an invalid [`Keyring`](super::Keyring). It does not show a key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyringError {
    /// The environment variable is not set.
    #[error(
        "the environment variable {name} is not set; it must hold `id:key`, \
         the key as `openssl rand -base64 32` prints it"
    )]
    NoVariable {
        /// The name of the variable.
        name: String,
    },
    /// The file cannot be read.
    #[error("the keyring file {} cannot be read: check its path and permissions", path.display())]
    Unreadable {
        /// The path of the file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// Other users may read or write the file.
    #[error(
        "others may read the keyring file {}, whose mode is {mode:o}: run `chmod 600` on it, or \
         use `Keyring::from_file_readable_by_others`",
        path.display()
    )]
    Exposed {
        /// The path of the file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The file is longer than a keyring is.
    #[error("the keyring file has more than 64 KiB; it must hold `id:key`, the key in base64")]
    TooLong,
    /// The file or variable is not UTF-8.
    #[error("the keyring is not text; it must hold `id:key`, the key in base64")]
    NotText,
    /// The keyring has no key.
    #[error(
        "the keyring has no key; write `id:key`, the key as `openssl rand -base64 32` prints it"
    )]
    Empty,
    /// A key of the keyring cannot be used.
    #[error("key number {number} of the keyring cannot be used")]
    Item {
        /// Its number, from 1.
        number: usize,
        /// The reason.
        #[source]
        source: Box<Self>,
    },
    /// A key has no id.
    #[error("it has no id; write `id:key`")]
    NoId,
    /// An id is not allowed.
    #[error("its id must have 1 to 255 bytes, without white space, colon and comma")]
    BadId,
    /// A key is not base64.
    #[error("it is not base64; `openssl rand -base64 32` makes a key")]
    NotBase64,
    /// A key does not have 32 bytes.
    #[error("it has {bytes} bytes where 32 are needed; `openssl rand -base64 32` makes a key")]
    WrongLength {
        /// Its length in bytes.
        bytes: usize,
    },
    /// A key is a text, or has few distinct bytes.
    #[error("it is not random; `openssl rand -base64 32` makes a key")]
    Weak,
    /// Two ids have the same key.
    #[error("the ids {first:?} and {second:?} have the same key; a rotation needs a new one")]
    SameKey {
        /// The id that has it first.
        first: String,
        /// The other id.
        second: String,
    },
    /// Two keys have the same id.
    #[error("two keys have the id {id:?}; give each its own")]
    Duplicate {
        /// The id.
        id: String,
    },
    /// A source did not answer in time.
    #[error("the keyring was not loaded within {waited:?}: try again later")]
    TimedOut {
        /// How long the call waited.
        waited: Duration,
    },
    /// The runtime ended while a source was read.
    #[error("the keyring was not loaded: the runtime is ending")]
    Interrupted,
    /// A custom source failed.
    #[error("the keyring could not be loaded")]
    Source(#[source] BoxError),
    /// The operating system's keychain cannot be reached.
    #[cfg(feature = "keychain")]
    #[error(
        "the operating system's keychain cannot be reached: log in to a session that has one (on \
         Linux a D-Bus session with a Secret Service), or keep what it holds in a file"
    )]
    NoKeychain(#[source] BoxError),
    /// The keychain is locked, or refuses this program.
    #[cfg(feature = "keychain")]
    #[error("the keychain is locked or refuses this program: unlock it and allow the access")]
    KeychainLocked(#[source] BoxError),
    /// The keychain has no such entry.
    #[cfg(feature = "keychain")]
    #[error(
        "the keychain has no entry {name:?} of {service:?}: write it with `Keychain::write`, \
         `Keychain::write_secret` or the system's own program"
    )]
    NoKeychainEntry {
        /// The service of the entry.
        service: String,
        /// Its name.
        name: String,
    },
    /// The keychain has several such entries.
    #[cfg(feature = "keychain")]
    #[error("the keychain has several entries {name:?} of {service:?}: remove all but one")]
    AmbiguousKeychainEntry {
        /// The service of the entries.
        service: String,
        /// Their name.
        name: String,
    },
    /// The keychain takes no such entry.
    #[cfg(feature = "keychain")]
    #[error("the keychain does not take the entry: {reason}")]
    RefusedKeychainEntry {
        /// The reason.
        reason: String,
    },
}

impl KeyringError {
    /// Returns whether the same keyring may be loaded later, without a change of this program's
    /// configuration.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Unreadable { .. }
            | Self::TimedOut { .. }
            | Self::Interrupted
            | Self::Source(_) => true,
            #[cfg(feature = "keychain")]
            Self::NoKeychain(_) | Self::KeychainLocked(_) => true,
            _ => false,
        }
    }
}
