//! The encryption keys of values.

use std::collections::HashSet;
use std::env::{self, VarError};
use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::{Zeroize as _, Zeroizing};

const ID_BYTES: usize = 255;
const KEY_BYTES: usize = 32;

/// The limit for a keyring's file, in bytes.
const MAX_FILE: usize = 64 * 1024;

/// A key of 256 bits. `Debug` does not show it; its memory is wiped when its last clone is dropped.
///
/// Its bytes stay where they are when it is moved or cloned, so that no copy escapes the wiping.
#[derive(Clone)]
pub struct EncryptionKey(Arc<Zeroizing<[u8; KEY_BYTES]>>);

impl EncryptionKey {
    /// Creates a random key.
    ///
    /// # Panics
    /// If the operating system provides no random numbers.
    #[must_use]
    pub fn random() -> Self {
        Self::filled(|bytes| {
            getrandom::fill(bytes).expect("the operating system provides random numbers");
        })
    }

    /// Creates a key whose bytes are written where they stay.
    fn filled(fill: impl FnOnce(&mut [u8; KEY_BYTES])) -> Self {
        let mut key = Arc::new(Zeroizing::new([0; KEY_BYTES]));
        if let Some(bytes) = Arc::get_mut(&mut key) {
            fill(bytes);
        }
        Self(key)
    }

    /// Reads 32 bytes in base64, as `openssl rand -base64 32` prints them; the URL-safe alphabet
    /// and missing padding are allowed.
    ///
    /// # Errors
    /// Text that is not base64, or not 32 bytes, or a key that is not random.
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
        if decoded.len() != KEY_BYTES {
            return Err(KeyringError::WrongLength {
                bytes: decoded.len(),
            });
        }
        if is_weak(&decoded) {
            return Err(KeyringError::Weak);
        }
        Ok(Self::filled(|bytes| bytes.copy_from_slice(&decoded)))
    }

    /// Returns the key's bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }
}

impl From<[u8; KEY_BYTES]> for EncryptionKey {
    fn from(mut bytes: [u8; KEY_BYTES]) -> Self {
        let key = Self::filled(|place| place.copy_from_slice(&bytes));
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
///     2026-02:SC4last5ZV4agqQ5ZjlTMQFOKg8TGiCbtIk4tEzspAw=
///     2025-11:+49QLwQo4yQdOWMRw2ArkBogAA3RWa9CpEr5a56nPio=
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
    /// As for [`new`](Self::new), or an id or a key that the keyring already has.
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

    /// Reads the text of a keyring from a file that only its owner may read. The call blocks.
    ///
    /// # Errors
    /// A file that cannot be read, is not text, or that others may read (on Unix), or an invalid
    /// text.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, KeyringError> {
        read_file(path.as_ref(), only_owner)
    }

    /// Reads the text of a keyring from a file that other users of the machine may read, such as a
    /// secret that a container's runtime mounts. The call blocks.
    ///
    /// # Errors
    /// A file that cannot be read or is not text, or an invalid text.
    pub fn from_file_readable_by_others(path: impl AsRef<Path>) -> Result<Self, KeyringError> {
        read_file(path.as_ref(), |_, _| Ok(()))
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
        let same = self.keys.iter().find(|(_, there)| there.0 == key.0);
        if let Some((first, _)) = same {
            return Err(KeyringError::SameKey {
                first: first.clone(),
                second: id.to_owned(),
            });
        }
        self.keys.push((id.to_owned(), key));
        Ok(())
    }
}

/// Returns whether no generator of random numbers makes such bytes: a text, or few distinct bytes.
///
/// Of 32 random bytes, all are printable once in 10^13 keys, and fewer than 16 are distinct even
/// more rarely.
fn is_weak(bytes: &[u8]) -> bool {
    let distinct = bytes.iter().collect::<HashSet<_>>().len();
    distinct < 16 || bytes.iter().all(|byte| matches!(byte, b' '..=b'~'))
}

fn read_file(
    path: &Path,
    check: impl FnOnce(&Path, &Metadata) -> Result<(), KeyringError>,
) -> Result<Keyring, KeyringError> {
    let unreadable = |source| KeyringError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let mut file = File::open(path).map_err(unreadable)?;
    // Of the open file: the name may lead to another one by now.
    let metadata = file.metadata().map_err(unreadable)?;
    check(path, &metadata)?;
    // A buffer that grows would leave copies behind.
    let mut bytes = Zeroizing::new(vec![0; MAX_FILE + 1]);
    let mut length = 0;
    loop {
        match file.read(&mut bytes[length..]).map_err(unreadable)? {
            0 => break,
            more => length += more,
        }
    }
    if length > MAX_FILE {
        return Err(KeyringError::TooLong);
    }
    str::from_utf8(&bytes[..length])
        .map_err(|_| KeyringError::NotText)?
        .parse()
}

#[cfg(unix)]
fn only_owner(path: &Path, metadata: &Metadata) -> Result<(), KeyringError> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(KeyringError::Exposed {
        path: path.to_owned(),
        mode,
    })
}

/// Windows keeps a file of a person's profile from others, and its rights are no mode.
#[cfg(not(unix))]
fn only_owner(_: &Path, _: &Metadata) -> Result<(), KeyringError> {
    Ok(())
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
}
