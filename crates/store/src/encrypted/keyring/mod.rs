//! The encryption keys of values.

mod error;
mod key;

use std::env::{self, VarError};
use std::fmt;
use std::fs::{File, Metadata};
use std::io::Read as _;
use std::path::Path;
use std::str::FromStr;

use zeroize::Zeroizing;

pub use self::error::KeyringError;
pub use self::key::EncryptionKey;

const ID_BYTES: usize = 255;

/// The limit for a keyring's file, in bytes.
const MAX_FILE: usize = 64 * 1024;

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

    /// Returns the text of the keyring, in memory that is wiped.
    #[cfg(feature = "keychain")]
    pub(super) fn to_text(&self) -> Zeroizing<String> {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        // With room for all, so that growing leaves no copy behind.
        let mut text = Zeroizing::new(String::with_capacity(self.keys.len() * (ID_BYTES + 46)));
        for (id, key) in &self.keys {
            text.push_str(id);
            text.push(':');
            STANDARD.encode_string(key.expose(), &mut text);
            text.push('\n');
        }
        text
    }

    fn add(&mut self, id: &str, key: EncryptionKey) -> Result<(), KeyringError> {
        let forbidden = |c: char| c.is_whitespace() || c.is_control() || c == ':' || c == ',';
        if id.is_empty() || id.len() > ID_BYTES || id.contains(forbidden) {
            return Err(KeyringError::BadId);
        }
        if self.find(id).is_some() {
            return Err(KeyringError::Duplicate { id: id.to_owned() });
        }
        let same = self
            .keys
            .iter()
            .find(|(_, there)| there.expose() == key.expose());
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
