//! Sealing and opening a flow.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use tokenkeeper_refresh::WallMillis;
use zeroize::Zeroizing;

use super::{Flow, FlowContents, FlowKey};
use crate::error::{Error, FlowError};

/// The associated data of the encryption: it separates flows from other uses of the same key.
const PURPOSE: &[u8] = b"tokenkeeper flow 2";

/// Encrypts the contents of a flow with the current key.
pub(crate) fn seal(key: &FlowKey, contents: &FlowContents) -> Flow {
    let plain = contents.to_bytes();
    let mut nonce = [0; 24];
    getrandom::fill(&mut nonce).expect("the operating system gives random numbers");
    let payload = Payload {
        msg: &plain,
        aad: PURPOSE,
    };
    let sealed = XChaCha20Poly1305::new(key.current().expose().into())
        .encrypt(&XNonce::from(nonce), payload)
        .expect("a flow is far shorter than the cipher's limit");
    Flow(URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat()))
}

/// Decrypts a flow.
///
/// # Errors
/// [`FlowError::NotOurs`] if another key sealed it, [`FlowError::Expired`] after its time.
pub(crate) fn open(key: &FlowKey, flow: &Flow, now: WallMillis) -> Result<FlowContents, Error> {
    let contents = decrypt(key, flow).ok_or(FlowError::NotOurs)?;
    if now >= contents.expires {
        return Err(FlowError::Expired.into());
    }
    Ok(contents)
}

fn decrypt(key: &FlowKey, flow: &Flow) -> Option<FlowContents> {
    let bytes = URL_SAFE_NO_PAD.decode(&flow.0).ok()?;
    let (nonce, sealed) = bytes.split_first_chunk::<24>()?;
    let plain = key.all().find_map(|key| {
        let payload = Payload {
            msg: sealed,
            aad: PURPOSE,
        };
        let cipher = XChaCha20Poly1305::new(key.expose().into());
        cipher.decrypt(&XNonce::from(*nonce), payload).ok()
    })?;
    FlowContents::from_bytes(&Zeroizing::new(plain))
}
