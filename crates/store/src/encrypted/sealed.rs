//! The bytes of an encrypted value.
//!
//! ```text
//! 3 bytes   9E 't' 'k', which is never the start of a text
//! 1 byte    format, 2
//! 1 byte    length of the key id
//! n bytes   key id, UTF-8
//! 24 bytes  nonce, random
//! rest      ciphertext and its tag of 16 bytes
//! ```
//!
//! Associated data: everything before the nonce, then [`Key::to_bytes`], the version, and
//! `keep_until` as one byte (0: none, 1) and 8 bytes of milliseconds, big-endian, `due` likewise,
//! and the attention mark as one byte. Each part has a fixed length or is prefixed with it, so no
//! two contexts have the same bytes. Format 1, which is still read, has no `due` and no mark there.

use std::time::SystemTime;

use bytes::Bytes;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::keyring::{EncryptionKey, Keyring};
use crate::{Entry, Key, StoreError, unix_millis};

const MAGIC: [u8; 3] = [0x9e, b't', b'k'];
const FORMAT: u8 = 2;

/// The format whose values are not bound to `due` and the attention mark.
const FORMAT_1: u8 = 1;
const NONCE: usize = 24;

/// Encrypts the value of `entry` with the current key.
pub(super) fn seal(keyring: &Keyring, key: &Key, entry: &Entry) -> Result<Bytes, StoreError> {
    let (id, secret) = keyring.current();
    let mut sealed = header(FORMAT, id);
    let mut nonce = [0; NONCE];
    getrandom::fill(&mut nonce).map_err(StoreError::other)?;
    let context = context(FORMAT, &sealed, key, entry);
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
    let (format, id, rest) = split(&entry.value)?;
    let (&nonce, ciphertext) = rest.split_first_chunk::<NONCE>().ok_or_else(cut_short)?;

    let undecryptable = || StoreError::Undecryptable {
        key_id: id.to_owned(),
    };
    let secret = keyring.find(id).ok_or_else(undecryptable)?;
    let context = context(format, &header(format, id), key, entry);
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

/// Returns whether this value has the newest format and names the current key; it may still be
/// damaged.
pub(super) fn is_current(keyring: &Keyring, value: &[u8]) -> bool {
    split(value).is_ok_and(|(format, id, _)| format == FORMAT && id == keyring.current().0)
}

/// Splits a value into its format, its key id and the rest.
fn split(value: &[u8]) -> Result<(u8, &str, &[u8]), StoreError> {
    let rest = value.strip_prefix(&MAGIC).ok_or(StoreError::NotEncrypted)?;
    let (&format, rest) = rest.split_first().ok_or_else(cut_short)?;
    if format > FORMAT {
        return Err(StoreError::NewerFormat {
            found: format.into(),
            supported: FORMAT.into(),
        });
    }
    if format < FORMAT_1 {
        return Err(StoreError::corrupt(
            "an encrypted value has an unknown format",
        ));
    }
    let (&length, rest) = rest.split_first().ok_or_else(cut_short)?;
    let (id, rest) = rest.split_at_checked(length.into()).ok_or_else(cut_short)?;
    let id = str::from_utf8(id)
        .map_err(|_| StoreError::corrupt("the key id of an encrypted value is not text"))?;
    Ok((format, id, rest))
}

fn header(format: u8, id: &str) -> Vec<u8> {
    let length = u8::try_from(id.len()).expect("a keyring takes ids of at most 255 bytes");
    let mut header = Vec::from(MAGIC);
    header.extend_from_slice(&[format, length]);
    header.extend_from_slice(id.as_bytes());
    header
}

fn context(format: u8, header: &[u8], key: &Key, entry: &Entry) -> Vec<u8> {
    let mut context = header.to_vec();
    context.extend(key.to_bytes());
    context.extend_from_slice(entry.version.as_bytes());
    push_time(&mut context, entry.keep_until);
    if format != FORMAT_1 {
        push_time(&mut context, entry.due);
        context.push(entry.attention.into());
    }
    context
}

fn push_time(context: &mut Vec<u8>, time: Option<SystemTime>) {
    context.push(time.is_some().into());
    context.extend_from_slice(&time.map_or(0, unix_millis).to_be_bytes());
}

fn cipher(secret: &EncryptionKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(secret.expose().into())
}

fn cut_short() -> StoreError {
    StoreError::corrupt("an encrypted value is cut short")
}
