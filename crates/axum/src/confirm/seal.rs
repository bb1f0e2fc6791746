//! The redirect that a page holds while it asks.
//!
//! It is sealed with a nonce that only a cookie has, so no page, address or history has the code,
//! and only the browser that was asked can send it back.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit as _, Nonce, aead::Aead as _};
use sha2::{Digest as _, Sha256};

/// Seals a redirect. A nonce seals one.
pub(super) fn seal(nonce: &str, redirect: &str) -> String {
    let sealed = cipher(nonce).encrypt(&Nonce::default(), redirect.as_bytes());
    let sealed = sealed.expect("a redirect is far shorter than the cipher's limit");
    BASE64_URL_SAFE_NO_PAD.encode(sealed)
}

/// Opens what this nonce sealed.
pub(super) fn open(nonce: &str, sealed: &str) -> Option<String> {
    let sealed = BASE64_URL_SAFE_NO_PAD.decode(sealed).ok()?;
    let redirect = cipher(nonce).decrypt(&Nonce::default(), &*sealed).ok()?;
    String::from_utf8(redirect).ok()
}

fn cipher(nonce: &str) -> ChaCha20Poly1305 {
    ChaCha20Poly1305::new(&Sha256::digest(nonce))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_opens_with_its_own_nonce_alone() {
        let sealed = seal("nonce", "code=abc&x=%22");
        assert!(!sealed.contains("abc"), "{sealed}");
        assert_eq!(open("nonce", &sealed).as_deref(), Some("code=abc&x=%22"));
        assert_eq!(open("other", &sealed), None);
        assert_eq!(open("nonce", &sealed[1..]), None);
        assert_eq!(open("nonce", ""), None);
        assert_eq!(open("nonce", "code=abc"), None);
    }
}
