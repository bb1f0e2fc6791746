//! Random values, which cannot be guessed.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// Returns `bytes` random bytes in lower-case hexadecimal.
pub(crate) fn hex(bytes: usize) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    random(bytes)
        .iter()
        .flat_map(|byte| {
            [
                DIGITS[usize::from(byte >> 4)] as char,
                DIGITS[usize::from(byte & 15)] as char,
            ]
        })
        .collect()
}

/// Returns `bytes` random bytes in base64url without padding.
pub(crate) fn base64url(bytes: usize) -> String {
    URL_SAFE_NO_PAD.encode(random(bytes))
}

/// Returns `bytes` random bytes in standard base64 with padding.
pub(crate) fn base64(bytes: usize) -> String {
    STANDARD.encode(random(bytes))
}

/// Returns a user code in the form of RFC 8628 §6.1: eight consonants.
pub(crate) fn user_code() -> String {
    const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
    let letter = |byte: u8| LETTERS[usize::from(byte) % LETTERS.len()] as char;
    let letters: String = random(8).into_iter().map(letter).collect();
    let (first, last) = letters.split_at(4);
    format!("{first}-{last}")
}

fn random(bytes: usize) -> Vec<u8> {
    let mut buffer = vec![0; bytes];
    getrandom::fill(&mut buffer).expect("the operating system provides random bytes");
    buffer
}
