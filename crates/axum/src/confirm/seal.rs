//! The redirect that a page holds while it asks.
//!
//! It is sealed with a key that only a cookie has, so no page has the code, and only the browser
//! that was asked can send it back.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit as _, Nonce, aead::Aead as _};
use sha2::{Digest as _, Sha256};

/// Seals a redirect. A key seals one, so the cipher's nonce may be constant.
pub(super) fn seal(key: &str, redirect: &str) -> String {
    let sealed = cipher(key).encrypt(&Nonce::default(), redirect.as_bytes());
    let sealed = sealed.expect("a redirect is far shorter than the cipher's limit");
    BASE64_URL_SAFE_NO_PAD.encode(sealed)
}

/// Opens what this key sealed.
pub(super) fn open(key: &str, sealed: &str) -> Option<String> {
    let sealed = BASE64_URL_SAFE_NO_PAD.decode(sealed).ok()?;
    let redirect = cipher(key).decrypt(&Nonce::default(), &*sealed).ok()?;
    String::from_utf8(redirect).ok()
}

fn cipher(key: &str) -> ChaCha20Poly1305 {
    ChaCha20Poly1305::new(&Sha256::digest(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_opens_with_its_own_key_alone() {
        let sealed = seal("key", "code=abc&x=%22");
        assert!(!sealed.contains("abc"), "{sealed}");
        assert_eq!(open("key", &sealed).as_deref(), Some("code=abc&x=%22"));
        assert_eq!(open("other", &sealed), None);
        assert_eq!(open("key", &sealed[1..]), None);
        assert_eq!(open("key", ""), None);
        assert_eq!(open("key", "code=abc"), None);
    }
}
