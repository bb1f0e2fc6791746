//! The bytes of an encrypted value.
//!
//! ```text
//! 3 bytes   9E 't' 'k', which is never the start of a text
//! 1 byte    format: 2, or 3 if a data key encrypts the value
//! 1 byte    length of the key id
//! n bytes   key id, UTF-8: of the key that encrypts, or of the one that wraps the data key
//! 2 bytes   format 3 only: length of the wrapped data key, big-endian
//! m bytes   format 3 only: the wrapped data key, as the key service made it
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

use super::keyring::EncryptionKey;
use super::keys::{ValueKey, WrappedKey};
use crate::{Entry, Key, StoreError, unix_millis};

const MAGIC: [u8; 3] = [0x9e, b't', b'k'];

/// The format whose values are not bound to `due` and the attention mark.
const UNBOUND: u8 = 1;

/// The format of a key of a keyring.
const OF_RING: u8 = 2;

/// The format of a wrapped data key, and the newest one.
const OF_WRAPPED: u8 = 3;
const NONCE: usize = 24;

/// Encrypts the value of `entry`.
pub(super) fn seal(value_key: &ValueKey, key: &Key, entry: &Entry) -> Result<Bytes, StoreError> {
    let mut sealed = value_key.head.to_vec();
    let mut nonce = [0; NONCE];
    getrandom::fill(&mut nonce).map_err(StoreError::other)?;
    let context = context(&sealed, true, key, entry);
    let ciphertext = cipher(&value_key.secret)
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

/// Returns the bytes before the nonce of a value that the key `id` of a keyring encrypts.
pub(super) fn head_of_ring(id: &str) -> Bytes {
    head(OF_RING, id).into()
}

/// Returns the bytes before the nonce of a value that a wrapped data key encrypts.
pub(super) fn head_of_wrapped(wrapped: &WrappedKey) -> Bytes {
    let mut head = head(OF_WRAPPED, wrapped.key_id());
    let length = u16::try_from(wrapped.bytes().len()).expect("a wrapped key has a bound");
    head.extend_from_slice(&length.to_be_bytes());
    head.extend_from_slice(wrapped.bytes());
    head.into()
}

fn head(format: u8, id: &str) -> Vec<u8> {
    let length = u8::try_from(id.len()).expect("an id has at most 255 bytes");
    let mut head = Vec::from(MAGIC);
    head.extend_from_slice(&[format, length]);
    head.extend_from_slice(id.as_bytes());
    head
}

/// An encrypted value, split into its parts.
#[derive(Clone, Copy)]
pub(super) struct SealedValue<'a> {
    format: u8,
    pub(super) name: KeyName<'a>,
    /// Everything before the nonce.
    head: &'a [u8],
    nonce: [u8; NONCE],
    ciphertext: &'a [u8],
}

/// What names the key of a value.
#[derive(Clone, Copy)]
pub(super) enum KeyName<'a> {
    /// The id of a key of a keyring.
    Ring(&'a str),
    Wrapped(WrappedName<'a>),
}

/// A wrapped data key in a value.
#[derive(Clone, Copy)]
pub(super) struct WrappedName<'a> {
    pub(super) key_id: &'a str,
    pub(super) bytes: &'a [u8],
}

impl<'a> KeyName<'a> {
    pub(super) const fn id(self) -> &'a str {
        match self {
            Self::Ring(id) => id,
            Self::Wrapped(wrapped) => wrapped.key_id,
        }
    }
}

impl WrappedName<'_> {
    /// Returns whether this is that wrapped key.
    pub(super) fn is(self, wrapped: &WrappedKey) -> bool {
        self.key_id == wrapped.key_id() && self.bytes == wrapped.bytes()
    }
}

impl<'a> SealedValue<'a> {
    /// Splits a value into its parts.
    pub(super) fn parse(value: &'a [u8]) -> Result<Self, StoreError> {
        let rest = value.strip_prefix(&MAGIC).ok_or(StoreError::NotEncrypted)?;
        let (&format, rest) = rest.split_first().ok_or_else(cut_short)?;
        if format > OF_WRAPPED {
            return Err(StoreError::NewerFormat {
                found: format.into(),
                supported: OF_WRAPPED.into(),
            });
        }
        if format < UNBOUND {
            return Err(StoreError::corrupt(
                "an encrypted value has an unknown format",
            ));
        }
        let (&length, rest) = rest.split_first().ok_or_else(cut_short)?;
        let (id, mut rest) = rest.split_at_checked(length.into()).ok_or_else(cut_short)?;
        let id = str::from_utf8(id)
            .map_err(|_| StoreError::corrupt("the key id of an encrypted value is not text"))?;
        let name = if format == OF_WRAPPED {
            let (&length, after) = rest.split_first_chunk::<2>().ok_or_else(cut_short)?;
            let length = u16::from_be_bytes(length);
            let (bytes, after) = after
                .split_at_checked(length.into())
                .ok_or_else(cut_short)?;
            rest = after;
            KeyName::Wrapped(WrappedName { key_id: id, bytes })
        } else {
            KeyName::Ring(id)
        };
        let head = &value[..value.len() - rest.len()];
        let (&nonce, ciphertext) = rest.split_first_chunk::<NONCE>().ok_or_else(cut_short)?;
        Ok(Self {
            format,
            name,
            head,
            nonce,
            ciphertext,
        })
    }

    /// Returns whether the value is bound to all that the store keeps with it.
    pub(super) const fn is_bound(&self) -> bool {
        self.format != UNBOUND
    }

    /// Decrypts the value of `entry`. `None`: this key did not encrypt it in this place.
    pub(super) fn open(&self, secret: &EncryptionKey, key: &Key, entry: &Entry) -> Option<Bytes> {
        let context = context(self.head, self.is_bound(), key, entry);
        let payload = Payload {
            msg: self.ciphertext,
            aad: &context,
        };
        let opened = cipher(secret).decrypt(&XNonce::from(self.nonce), payload);
        // Wiped when the last clone is dropped.
        Some(Bytes::from_owner(Zeroizing::new(opened.ok()?)))
    }
}

fn context(head: &[u8], bound: bool, key: &Key, entry: &Entry) -> Vec<u8> {
    let mut context = head.to_vec();
    context.extend(key.to_bytes());
    context.extend_from_slice(entry.version.as_bytes());
    push_time(&mut context, entry.keep_until);
    if bound {
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
