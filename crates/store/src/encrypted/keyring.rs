//! The encryption keys of values.

use std::env::{self, VarError};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::{fmt, fs, io};

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::{Zeroize as _, Zeroizing};

const ID_BYTES: usize = 255;
const KEY_BYTES: usize = 32;

/// A key of 256 bits. `Debug` does not show it; its memory is wiped when it is dropped.
#[derive(Clone)]
pub struct EncryptionKey(Zeroizing<[u8; KEY_BYTES]>);

impl EncryptionKey {
    /// Creates a random key.
    ///
    /// # Panics
    /// If the operating system provides no random numbers.
    #[must_use]
    pub fn random() -> Self {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        getrandom::fill(&mut *bytes).expect("the operating system provides random numbers");
        Self(bytes)
    }

    /// Reads 32 bytes in base64, as `openssl rand -base64 32` prints them; the URL-safe alphabet
    /// and missing padding are allowed.
    ///
    /// # Errors
    /// Text that is not base64, or not 32 bytes.
    pub fn from_base64(text: &str) -> Result<Self, KeyringError> {
        let text = text.trim();
        let alphabet = if text.contains(['-', '_']) {
            &alphabet::URL_SAFE
        } else {
            &alphabet::STANDARD
        };
        let config =
            GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let decoded = GeneralPurpose::new(alphabet, config)
            .decode(text)
            .map_err(|_| KeyringError::NotBase64)?;
        let decoded = Zeroizing::new(decoded);
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        if decoded.len() != KEY_BYTES {
            return Err(KeyringError::WrongLength {
                bytes: decoded.len(),
            });
        }
        bytes.copy_from_slice(&decoded);
        Ok(Self(bytes))
    }

    /// Returns the key's bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }
}

impl From<[u8; KEY_BYTES]> for EncryptionKey {
    fn from(mut bytes: [u8; KEY_BYTES]) -> Self {
        let key = Self(Zeroizing::new(bytes));
        bytes.zeroize();
        key
    }
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EncryptionKey(..)")
    }
}

/// Encryption keys by id: the current one, which writes and reads, and old ones, which only read.
///
/// Each entry names the id of its key in the clear. Never use an id for two keys: a date is a good
/// id.
///
/// As text, a keyring is `id:key` for each key, the current one first, with the key in base64.
/// White space or commas separate keys; a line that begins with `#` is a comment.
///
/// ```
/// use tokenkeeper_store::{EncryptionKey, Keyring};
///
/// let keyring = Keyring::new("2026-02", EncryptionKey::random())?
///     .with_old("2025-11", EncryptionKey::random())?;
///
/// let text = "
///     ## the current one first
///     2026-02:c29tZSBrZXkgb2YgMzIgYnl0ZXMsIG9mIG5vIHVzZSE=
///     2025-11:YW5vdGhlciBrZXkgb2YgMzIgYnl0ZXMsIHVzZWxlc3M=
/// ";
/// let keyring: Keyring = text.parse()?;
/// # Ok::<(), tokenkeeper_store::KeyringError>(())
/// ```
#[derive(Clone)]
pub struct Keyring {
    /// The current one first; never empty.
    keys: Vec<(String, EncryptionKey)>,
}

impl Keyring {
    /// Creates a keyring with a current key.
    ///
    /// # Errors
    /// An id that is empty, longer than 255 bytes, or has white space, a control character, a colon
    /// or a comma.
    pub fn new(id: &str, key: impl Into<EncryptionKey>) -> Result<Self, KeyringError> {
        let mut keyring = Self {
            keys: Vec::with_capacity(1),
        };
        keyring.add(id, key.into())?;
        Ok(keyring)
    }

    /// Adds a key that only reads.
    ///
    /// # Errors
    /// As for [`new`](Self::new), or an id that the keyring already has.
    pub fn with_old(
        mut self,
        id: &str,
        key: impl Into<EncryptionKey>,
    ) -> Result<Self, KeyringError> {
        self.add(id, key.into())?;
        Ok(self)
    }

    /// Reads the text of a keyring from an environment variable.
    ///
    /// # Errors
    /// A variable that is not set or not text, or an invalid text.
    pub fn from_env(name: &str) -> Result<Self, KeyringError> {
        match env::var(name).map(Zeroizing::new) {
            Ok(text) => text.parse(),
            Err(VarError::NotPresent) => Err(KeyringError::NoVariable {
                name: name.to_owned(),
            }),
            Err(VarError::NotUnicode(_)) => Err(KeyringError::NotText),
        }
    }

    /// Reads the text of a keyring from a file. The call blocks.
    ///
    /// # Errors
    /// A file that cannot be read or is not text, or an invalid text.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, KeyringError> {
        let path = path.as_ref();
        let unreadable = |source| KeyringError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let bytes = Zeroizing::new(fs::read(path).map_err(unreadable)?);
        str::from_utf8(&bytes)
            .map_err(|_| KeyringError::NotText)?
            .parse()
    }

    /// Returns the ids, the current one first.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|(id, _)| id.as_str())
    }

    /// Returns the keys, the current one first.
    pub fn keys(&self) -> impl Iterator<Item = &EncryptionKey> {
        self.keys.iter().map(|(_, key)| key)
    }

    pub(super) fn current(&self) -> (&str, &EncryptionKey) {
        let (id, key) = &self.keys[0];
        (id, key)
    }

    pub(super) fn find(&self, id: &str) -> Option<&EncryptionKey> {
        self.keys
            .iter()
            .find(|(known, _)| known == id)
            .map(|(_, key)| key)
    }

    fn add(&mut self, id: &str, key: EncryptionKey) -> Result<(), KeyringError> {
        let forbidden = |c: char| c.is_whitespace() || c.is_control() || c == ':' || c == ',';
        if id.is_empty() || id.len() > ID_BYTES || id.contains(forbidden) {
            return Err(KeyringError::BadId);
        }
        if self.find(id).is_some() {
            return Err(KeyringError::Duplicate { id: id.to_owned() });
        }
        self.keys.push((id.to_owned(), key));
        Ok(())
    }
}

impl FromStr for Keyring {
    type Err = KeyringError;

    fn from_str(text: &str) -> Result<Self, KeyringError> {
        let mut keyring = Self { keys: Vec::new() };
        let lines = text
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'));
        let items = lines
            .flat_map(|line| line.split([',', ' ', '\t', '\r']))
            .filter(|item| !item.is_empty());
        for (index, item) in items.enumerate() {
            // No error shows the item, which may be a key without an id.
            let added = match item.split_once(':') {
                None => Err(KeyringError::NoId),
                Some((id, key)) => {
                    EncryptionKey::from_base64(key).and_then(|key| keyring.add(id, key))
                }
            };
            added.map_err(|source| KeyringError::Item {
                number: index + 1,
                source: Box::new(source),
            })?;
        }
        if keyring.keys.is_empty() {
            Err(KeyringError::Empty)
        } else {
            Ok(keyring)
        }
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Keyring")
            .field(&self.ids().collect::<Vec<_>>())
            .finish()
    }
}

/// The error of an invalid [`Keyring`]. It does not show a key.
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
    /// Two keys have the same id.
    #[error("two keys have the id {id:?}; give each its own")]
    Duplicate {
        /// The id.
        id: String,
    },
}
