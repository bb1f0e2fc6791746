//! A key, and what no key may be.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::{Zeroize as _, Zeroizing};

use super::KeyringError;

const KEY_BYTES: usize = 32;

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

/// Copies the bytes of a key that a service has unwrapped. The caller wipes its own.
impl TryFrom<&[u8]> for EncryptionKey {
    type Error = KeyringError;

    fn try_from(bytes: &[u8]) -> Result<Self, KeyringError> {
        if bytes.len() != KEY_BYTES {
            return Err(KeyringError::WrongLength { bytes: bytes.len() });
        }
        Ok(Self::filled(|place| place.copy_from_slice(bytes)))
    }
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EncryptionKey(..)")
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
