//! The bytes of an encrypted value.
//!
//! ```text
//! 3 bytes   9E 't' 'k', which is never the start of a text
//! 1 byte    format, 1
//! 1 byte    length of the key id
//! n bytes   key id, UTF-8
//! 24 bytes  nonce, random
//! rest      ciphertext and its tag of 16 bytes
//! ```
//!
//! Associated data: everything before the nonce, then [`Key::to_bytes`], the version, and
//! `keep_until` as one byte (0: none, 1) and 8 bytes of milliseconds, big-endian. Each part has a
//! fixed length or is prefixed with it, so no two contexts have the same bytes.

use bytes::Bytes;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::keyring::{EncryptionKey, Keyring};
use crate::{Entry, Key, StoreError, unix_millis};

const MAGIC: [u8; 3] = [0x9e, b't', b'k'];
const FORMAT: u8 = 1;
const NONCE: usize = 24;

/// Encrypts the value of `entry` with the current key.
pub(super) fn seal(keyring: &Keyring, key: &Key, entry: &Entry) -> Result<Bytes, StoreError> {
    let (id, secret) = keyring.current();
    let mut sealed = header(id);
    let mut nonce = [0; NONCE];
    getrandom::fill(&mut nonce).map_err(StoreError::other)?;
    let context = context(&sealed, key, entry);
    let ciphertext = cipher(secret)
        .encrypt(
            &XNonce::from(nonce),
            Payload {
                msg: &entry.value,
                aad: &context,
            },
        )
        .map_err(|_| StoreError::other("the value is too long to be encrypted"))?;
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(&ciphertext);
    Ok(sealed.into())
}

/// Decrypts the value of `entry`, as [`seal`] encrypted it.
pub(super) fn open(keyring: &Keyring, key: &Key, entry: &Entry) -> Result<Bytes, StoreError> {
    let (id, rest) = split(&entry.value)?;
    let (&nonce, ciphertext) = rest.split_first_chunk::<NONCE>().ok_or_else(cut_short)?;

    let undecryptable = || StoreError::Undecryptable {
        key_id: id.to_owned(),
    };
    let secret = keyring.find(id).ok_or_else(undecryptable)?;
    let context = context(&header(id), key, entry);
    cipher(secret)
        .decrypt(
            &XNonce::from(nonce),
            Payload {
                msg: ciphertext,
                aad: &context,
            },
        )
        // Wiped when the last clone is dropped.
        .map(|value| Bytes::from_owner(Zeroizing::new(value)))
        .map_err(|_| undecryptable())
}

/// Returns whether this value names the current key; it may still be damaged.
pub(super) fn is_current(keyring: &Keyring, value: &[u8]) -> bool {
    split(value).is_ok_and(|(id, _)| id == keyring.current().0)
}

/// Splits a value into its key id and the rest.
fn split(value: &[u8]) -> Result<(&str, &[u8]), StoreError> {
    let rest = value.strip_prefix(&MAGIC).ok_or(StoreError::NotEncrypted)?;
    let (&format, rest) = rest.split_first().ok_or_else(cut_short)?;
    if format > FORMAT {
        return Err(StoreError::NewerFormat {
            found: format.into(),
            supported: FORMAT.into(),
        });
    }
    if format != FORMAT {
        return Err(StoreError::corrupt(
            "an encrypted value has an unknown format",
        ));
    }
    let (&length, rest) = rest.split_first().ok_or_else(cut_short)?;
    let (id, rest) = rest.split_at_checked(length.into()).ok_or_else(cut_short)?;
    let id = str::from_utf8(id)
        .map_err(|_| StoreError::corrupt("the key id of an encrypted value is not text"))?;
    Ok((id, rest))
}

fn header(id: &str) -> Vec<u8> {
    let length = u8::try_from(id.len()).expect("a keyring takes ids of at most 255 bytes");
    let mut header = Vec::from(MAGIC);
    header.extend_from_slice(&[FORMAT, length]);
    header.extend_from_slice(id.as_bytes());
    header
}

fn context(header: &[u8], key: &Key, entry: &Entry) -> Vec<u8> {
    let mut context = header.to_vec();
    context.extend(key.to_bytes());
    context.extend_from_slice(entry.version.as_bytes());
    context.push(entry.keep_until.is_some().into());
    context.extend_from_slice(&entry.keep_until.map_or(0, unix_millis).to_be_bytes());
    context
}

fn cipher(secret: &EncryptionKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(secret.expose().into())
}

fn cut_short() -> StoreError {
    StoreError::corrupt("an encrypted value is cut short")
}
