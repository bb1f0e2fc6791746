//! The key of an account.

use std::{fmt, sync::Arc};

use sha2::{Digest, Sha256};

const FIELDS: [&str; 4] = ["brand", "base URL", "client id", "subject"];

/// What an entry is kept under: provider brand, base URL, client id and subject.
///
/// Two keys are equal only if all four fields are, so `("a:b", "c")` is never `("a", "b:c")`. A clone shares the text.
/// The order of keys is total and stable, and means nothing else. `Debug` shows brand, base URL and a digest of the
/// whole, never the subject: a subject may be an e-mail address.
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
    /// The four fields, one after the other.
    text: Arc<str>,
    /// Where the first three end.
    ends: [u16; 3],
}

impl Key {
    /// The most bytes that one field may have.
    pub const MAX_FIELD: usize = 1024;

    /// Makes a key of its four fields.
    ///
    /// # Errors
    /// An empty brand, base URL or subject, and a field of more than [`MAX_FIELD`](Self::MAX_FIELD) bytes. An empty
    /// client id is allowed. No character is refused.
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

    /// The provider's brand, as `amiqus`.
    #[must_use]
    pub fn brand(&self) -> &str {
        &self.text[..usize::from(self.ends[0])]
    }

    /// The base URL of the provider.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.text[usize::from(self.ends[0])..usize::from(self.ends[1])]
    }

    /// The client id under which the account was connected.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.text[usize::from(self.ends[1])..usize::from(self.ends[2])]
    }

    /// The application's own name for the connection.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.text[usize::from(self.ends[2])..]
    }

    /// The SHA-256 of brand, base URL and client id, each after its length: the same for all accounts of one client at one provider.
    #[must_use]
    pub fn place_digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for field in [self.brand(), self.base(), self.client_id()] {
            hash.update((field.len() as u16).to_be_bytes());
            hash.update(field);
        }
        hash.finalize().into()
    }

    /// The key as bytes, each field after its length (two bytes, big-endian): no two keys have the same bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.text.len() + 8);
        for field in [self.brand(), self.base(), self.client_id(), self.subject()] {
            bytes.extend_from_slice(&(field.len() as u16).to_be_bytes());
            bytes.extend_from_slice(field.as_bytes());
        }
        bytes
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// Anything that `to_bytes` would not have written.
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

    /// A short digest that names the key in logs without its subject.
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
/// It keeps a subject out of logs; it does not hide it from somebody who can guess the subject and compare.
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

/// Why there is no such [`Key`]. It shows no field's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A field is empty that must not be.
    #[error("the {field} of an account's key is empty; give it one")]
    Empty {
        /// Which one.
        field: &'static str,
    },
    /// A field is longer than [`Key::MAX_FIELD`].
    #[error("the {field} of an account's key has {bytes} bytes; it may have 1024")]
    TooLong {
        /// Which one.
        field: &'static str,
        /// How long it is.
        bytes: usize,
    },
    /// The bytes are not those of a key.
    #[error("the bytes are not those of an account's key")]
    Malformed,
}
