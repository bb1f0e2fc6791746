//! Token types (RFC 6749 §7.1): one that the client does not understand must not be used.

use crate::{client::Client, error::Error};

/// Checks that a token of this type may be sent as a bearer token.
pub(crate) fn check_bearer(client: &Client, token_type: Option<&str>) -> Result<(), Error> {
    let Some(given) = token_type else {
        return Ok(());
    };
    let further = client.dialect().response.token_types.iter();
    let mut known = further.map(String::as_str).chain(["bearer"]);
    if known.any(|known| known.eq_ignore_ascii_case(given)) {
        return Ok(());
    }
    Err(Error::TokenType {
        token_type: shown(given),
    })
}

/// Returns the type if it looks like one: a server may echo a secret in its place.
fn shown(token_type: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphabetic() || matches!(b, b'-' | b'_');
    let fits = (1..=20).contains(&token_type.len()) && token_type.bytes().all(plain);
    match fits {
        true => format!("`{token_type}`"),
        false => "an unlisted one".to_owned(),
    }
}
