//! Sealing and opening a flow.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use tokenkeeper_refresh::WallMillis;
use zeroize::Zeroizing;

use super::{DeviceContents, DeviceFlow, Flow, FlowContents, FlowKey};
use crate::error::{Error, FlowError};

/// The plaintext of a flow.
pub(super) trait Contents: Sized {
    /// The associated data of the encryption: it separates kinds of flows, and flows from other
    /// uses of the same key.
    const PURPOSE: &'static [u8];

    fn expires(&self) -> WallMillis;

    fn to_bytes(&self) -> Zeroizing<Vec<u8>>;

    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

/// Encrypts the contents of a flow with the current key.
pub(crate) fn seal(key: &FlowKey, contents: &FlowContents) -> Flow {
    Flow(encrypt(key, contents))
}

/// Encrypts the contents of a login by device code with the current key.
pub(crate) fn seal_device(key: &FlowKey, contents: &DeviceContents) -> DeviceFlow {
    DeviceFlow(encrypt(key, contents))
}

/// Decrypts a flow.
///
/// # Errors
/// [`FlowError::NotOurs`] if another key sealed it, [`FlowError::Expired`] after its time.
pub(crate) fn open(key: &FlowKey, flow: &Flow, now: WallMillis) -> Result<FlowContents, Error> {
    decrypt(key, &flow.0, now)
}

/// Decrypts the flow of a login by device code.
///
/// # Errors
/// As [`open`].
pub(crate) fn open_device(
    key: &FlowKey,
    flow: &DeviceFlow,
    now: WallMillis,
) -> Result<DeviceContents, Error> {
    decrypt(key, &flow.0, now)
}

fn encrypt<C: Contents>(key: &FlowKey, contents: &C) -> String {
    let plain = contents.to_bytes();
    let mut nonce = [0; 24];
    getrandom::fill(&mut nonce).expect("the operating system gives random numbers");
    let payload = Payload {
        msg: &plain,
        aad: C::PURPOSE,
    };
    let sealed = XChaCha20Poly1305::new(key.current().expose().into())
        .encrypt(&XNonce::from(nonce), payload)
        .expect("a flow is far shorter than the cipher's limit");
    URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat())
}

fn decrypt<C: Contents>(key: &FlowKey, text: &str, now: WallMillis) -> Result<C, Error> {
    let contents: C = try_decrypt(key, text).ok_or(FlowError::NotOurs)?;
    if now >= contents.expires() {
        return Err(FlowError::Expired.into());
    }
    Ok(contents)
}

fn try_decrypt<C: Contents>(key: &FlowKey, text: &str) -> Option<C> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (nonce, sealed) = bytes.split_first_chunk::<24>()?;
    let plain = key.all().find_map(|key| {
        let payload = Payload {
            msg: sealed,
            aad: C::PURPOSE,
        };
        let cipher = XChaCha20Poly1305::new(key.expose().into());
        cipher.decrypt(&XNonce::from(*nonce), payload).ok()
    })?;
    C::from_bytes(&Zeroizing::new(plain))
}
