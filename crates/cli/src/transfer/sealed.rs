//! Lines of accounts, sealed with a passphrase.
//!
//! The key is Argon2id of the passphrase with the second recommended parameters of RFC 9106 §4 (64
//! MiB, 3 passes, 4 lanes), and a new salt for each file. The cipher is XChaCha20-Poly1305. The
//! parameters belong to the version, so that no file can ask for more memory.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{BoxError, exit::misconfigured};

/// A sealed file, as JSON.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    tokenkeeper_export: u8,
    salt: String,
    nonce: String,
    sealed: String,
}

const VERSION: u8 = 1;

/// The associated data: what is sealed, and how.
const PURPOSE: &[u8] = b"tokenkeeper export 1";

const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 4;

/// Returns whether a text is a sealed file, and not lines of accounts.
pub(super) fn is_sealed(text: &str) -> bool {
    text.trim_start().starts_with("{\"tokenkeeper_export\"")
}

pub(super) fn seal(text: &str, passphrase: &str) -> Result<String, BoxError> {
    let (mut salt, mut nonce) = ([0; 16], [0; 24]);
    getrandom::fill(&mut salt)?;
    getrandom::fill(&mut nonce)?;
    let payload = Payload {
        msg: text.as_bytes(),
        aad: PURPOSE,
    };
    let sealed = cipher(passphrase, &salt)?
        .encrypt(&XNonce::from(nonce), payload)
        .map_err(|_| "the export is too long")?;
    let file = Sealed {
        tokenkeeper_export: VERSION,
        salt: STANDARD.encode(salt),
        nonce: STANDARD.encode(nonce),
        sealed: STANDARD.encode(sealed),
    };
    Ok(serde_json::to_string(&file)? + "\n")
}

pub(super) fn open(text: &str, passphrase: &str) -> Result<Zeroizing<String>, BoxError> {
    let damaged = || misconfigured("the export is damaged: copy it again");
    let file: Sealed = serde_json::from_str(text).map_err(|_| damaged())?;
    if file.tokenkeeper_export != VERSION {
        let text = "a newer tokenkeeper has sealed this export: import it with that one";
        return Err(misconfigured(text).into());
    }
    let bytes = |text: &str| STANDARD.decode(text).map_err(|_| damaged());
    let salt: [u8; 16] = bytes(&file.salt)?.try_into().map_err(|_| damaged())?;
    let nonce: [u8; 24] = bytes(&file.nonce)?.try_into().map_err(|_| damaged())?;
    let sealed = bytes(&file.sealed)?;
    let payload = Payload {
        msg: &sealed,
        aad: PURPOSE,
    };
    let opened = cipher(passphrase, &salt)?
        .decrypt(&XNonce::from(nonce), payload)
        .map_err(|_| misconfigured("the passphrase is wrong, or the export was changed"))?;
    let text = String::from_utf8(opened).map_err(|_| damaged())?;
    Ok(Zeroizing::new(text))
}

fn cipher(passphrase: &str, salt: &[u8; 16]) -> Result<XChaCha20Poly1305, BoxError> {
    let failed = |error: argon2::Error| format!("no key can be made of the passphrase: {error}");
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(32)).map_err(failed)?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut key = Zeroizing::new([0; 32]);
    argon2
        .hash_password_into(passphrase.as_bytes(), salt, &mut *key)
        .map_err(failed)?;
    Ok(XChaCha20Poly1305::new((&*key).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_passphrase_opens_an_export() {
        let sealed = seal("a line", "correct horse").unwrap();
        assert!(is_sealed(&sealed) && !sealed.contains("a line"));
        assert_eq!(*open(&sealed, "correct horse").unwrap(), "a line");
        let error = |text: &str, passphrase: &str| {
            let error = open(text, passphrase).unwrap_err();
            error.to_string()
        };
        let wrong = error(&sealed, "correct horse ");
        assert!(wrong.contains("passphrase is wrong"), "{wrong}");
        let file: Sealed = serde_json::from_str(&sealed).unwrap();
        let changed = sealed.replace(&file.nonce, &STANDARD.encode([0; 24]));
        assert!(error(&changed, "correct horse").contains("was changed"));
        let newer = sealed.replace("export\":1", "export\":2");
        assert!(error(&newer, "correct horse").contains("a newer tokenkeeper"));
        for cut in [
            &sealed[..sealed.len() / 2],
            &sealed.replace(&file.salt, "AAAA"),
        ] {
            assert!(error(cut, "correct horse").contains("damaged"));
        }
        assert_ne!(seal("a line", "correct horse").unwrap(), sealed);
    }
}
