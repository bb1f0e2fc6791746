//! Lists of scopes (RFC 6749 §3.3), which are kept with spaces.

use crate::provider::refusal::Refusal;

/// Reads a list with this separator.
pub(super) fn read(separator: char, text: Option<&str>) -> Result<Option<String>, Refusal> {
    let Some(text) = text else {
        return Ok(None);
    };
    let scopes: Vec<&str> = text.split(separator).collect();
    if scopes.iter().all(|scope| well_formed(scope)) {
        Ok(Some(scopes.join(" ")))
    } else {
        let text = format!("scopes are separated by {separator:?} and hold no spaces");
        Err(Refusal::new("invalid_scope", text))
    }
}

/// Writes a list with this separator.
pub(super) fn write(separator: char, scopes: &str) -> String {
    scopes.replace(' ', separator.encode_utf8(&mut [0; 4]))
}

fn well_formed(scope: &str) -> bool {
    let allowed = |byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    !scope.is_empty() && scope.bytes().all(allowed)
}
