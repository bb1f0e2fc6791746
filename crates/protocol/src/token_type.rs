//! Token types (RFC 6749 §7.1): one that the client does not understand must not be used.

use crate::{client::Client, dialect::AttachmentMethod, error::Error};

/// The types of tokens that no attachment makes usable: those that require a proof of a key with
/// each request (RFC 9449 §4, RFC 9201 §4), and what is no access token (RFC 8693 §2.2.1).
const UNUSABLE: [&str; 4] = ["dpop", "mac", "n_a", "pop"];

/// Returns whether a token of this type cannot be attached alone.
pub(crate) fn is_unusable(token_type: &str) -> bool {
    let mut listed = UNUSABLE.iter();
    listed.any(|own| own.eq_ignore_ascii_case(token_type))
}

/// Checks that a token of this type may be sent as the dialect says.
///
/// A dialect with another attachment than bearer says how its provider's types are used.
pub(crate) fn check(client: &Client, token_type: Option<&str>) -> Result<(), Error> {
    let dialect = client.dialect();
    let Some(given) = token_type else {
        return Ok(());
    };
    let further = dialect.response.token_types.iter();
    let mut known = further.map(String::as_str).chain(["bearer"]);
    let understood = match dialect.attach {
        AttachmentMethod::Bearer => known.any(|known| known.eq_ignore_ascii_case(given)),
        _ => !is_unusable(given),
    };
    if understood {
        return Ok(());
    }
    let token_type = match shown(given) {
        Some(word) => format!("`{word}`"),
        None => "an unlisted one".to_owned(),
    };
    Err(Error::TokenType { token_type })
}

/// Returns the type if it looks like one: a server may echo a secret in its place.
pub(crate) fn shown(token_type: &str) -> Option<&str> {
    let plain = |b: u8| b.is_ascii_alphabetic() || matches!(b, b'-' | b'_');
    let fits = (1..=20).contains(&token_type.len()) && token_type.bytes().all(plain);
    fits.then_some(token_type)
}
