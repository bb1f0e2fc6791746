//! The key of an account.

use std::{fmt, sync::Arc};

use sha2::{Digest, Sha256};

const FIELDS: [&str; 4] = ["brand", "base URL", "client id", "subject"];

/// The key of an account: provider brand, base URL, client id and subject.
///
/// Two keys are equal only if all four fields are, so `("a:b", "c")` never equals `("a", "b:c")`. A
/// clone shares the text. The order of keys is total and stable, without a meaning. `Debug` shows
/// brand, base URL and a digest of the key, never the subject, which may be an e-mail address.
///
/// ```
/// use tokenkeeper_store::Key;
///
/// let key = Key::new("amiqus", "https://id.amiqus.co", "client-1", "user-42")?;
/// assert_eq!(key.subject(), "user-42");
/// assert_eq!(Key::from_bytes(&key.to_bytes())?, key);
/// assert!(!format!("{key:?}").contains("user-42"));
/// # Ok::<(), tokenkeeper_store::KeyError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The four fields, concatenated.
    text: Arc<str>,
    /// The ends of the first three fields.
    ends: [u16; 3],
}

impl Key {
    /// The maximum length of a field in bytes.
    pub const MAX_FIELD: usize = 1024;

    /// Creates a key from its four fields.
    ///
    /// # Errors
    /// An empty brand, base URL or subject, or a field longer than [`MAX_FIELD`](Self::MAX_FIELD)
    /// bytes. An empty client id and all characters are allowed.
    pub fn new(brand: &str, base: &str, client_id: &str, subject: &str) -> Result<Self, KeyError> {
        let fields = [brand, base, client_id, subject];
        for (name, field) in FIELDS.into_iter().zip(fields) {
            if field.is_empty() && name != "client id" {
                return Err(KeyError::Empty { field: name });
            }
            if field.len() > Self::MAX_FIELD {
                return Err(KeyError::TooLong {
                    field: name,
                    bytes: field.len(),
                });
            }
        }
        let mut end = 0;
        let ends = [brand, base, client_id].map(|field| {
            end += field.len() as u16; // at most 3 KiB
            end
        });
        Ok(Self {
            text: fields.concat().into(),
            ends,
        })
    }

    /// Returns the provider's brand, such as `amiqus`.
    #[must_use]
    pub fn brand(&self) -> &str {
        &self.text[..usize::from(self.ends[0])]
    }

    /// Returns the base URL of the provider.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.text[usize::from(self.ends[0])..usize::from(self.ends[1])]
    }

    /// Returns the client id under which the account was connected.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.text[usize::from(self.ends[1])..usize::from(self.ends[2])]
    }

    /// Returns the application's own name for the connection.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.text[usize::from(self.ends[2])..]
    }

    /// Returns the SHA-256 of brand, base URL and client id, each prefixed with its length.
    ///
    /// All accounts of one client at one provider share it.
    #[must_use]
    pub fn place_digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for field in [self.brand(), self.base(), self.client_id()] {
            hash.update((field.len() as u16).to_be_bytes());
            hash.update(field);
        }
        hash.finalize().into()
    }

    /// Returns the fields as bytes, each prefixed with its length (two bytes, big-endian).
    ///
    /// No two keys have the same bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.text.len() + 8);
        for field in [self.brand(), self.base(), self.client_id(), self.subject()] {
            bytes.extend_from_slice(&(field.len() as u16).to_be_bytes());
            bytes.extend_from_slice(field.as_bytes());
        }
        bytes
    }

    /// Reads a key from the bytes of [`to_bytes`](Self::to_bytes).
    ///
    /// # Errors
    /// Bytes that `to_bytes` does not write.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let mut rest = bytes;
        let mut fields = [""; 4];
        for field in &mut fields {
            let (length, after) = rest.split_first_chunk::<2>().ok_or(KeyError::Malformed)?;
            let length = usize::from(u16::from_be_bytes(*length));
            let (text, after) = after.split_at_checked(length).ok_or(KeyError::Malformed)?;
            *field = str::from_utf8(text).map_err(|_| KeyError::Malformed)?;
            rest = after;
        }
        if !rest.is_empty() {
            return Err(KeyError::Malformed);
        }
        let [brand, base, client_id, subject] = fields;
        Self::new(brand, base, client_id, subject)
    }

    /// Returns a short digest that names the key in logs without its subject.
    #[must_use]
    pub fn digest(&self) -> KeyDigest {
        let hash: [u8; 32] = Sha256::digest(self.to_bytes()).into();
        let mut short = [0; 8];
        short.copy_from_slice(&hash[..8]);
        KeyDigest(short)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("brand", &self.brand())
            .field("base", &self.base())
            .field("digest", &self.digest())
            .finish_non_exhaustive()
    }
}

/// The first 8 bytes of the SHA-256 of a [`Key`], shown as 16 hexadecimal digits.
///
/// It keeps a subject out of logs, but does not hide it from a reader who guesses and compares.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyDigest([u8; 8]);

impl fmt::Display for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The error of an invalid [`Key`]. It does not show the content of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A required field is empty.
    #[error("the {field} of an account's key is empty; set it")]
    Empty {
        /// The name of the field.
        field: &'static str,
    },
    /// A field is longer than [`Key::MAX_FIELD`].
    #[error("the {field} of an account's key has {bytes} bytes; at most 1024 are allowed")]
    TooLong {
        /// The name of the field.
        field: &'static str,
        /// Its length in bytes.
        bytes: usize,
    },
    /// The bytes are not a key.
    #[error("the bytes are not an account's key")]
    Malformed,
}
