//! Strings with characters or escapes that JSON does not allow.

/// Replaces what makes a string unreadable by `U+FFFD`: a control character, or the backslash of an
/// unknown escape. Returns `None` if nothing was replaced.
///
/// Servers that build JSON by hand write line breaks or `\'` into descriptions, which must not cost
/// the tokens next to them. A token with a replaced character is unreadable.
pub(super) fn strings(text: &str) -> Option<String> {
    let mut mended = String::with_capacity(text.len());
    let (mut inside, mut replaced) = (false, false);
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' if inside => {
                let after = rest.as_str();
                if is_escape(after) {
                    mended.push(c);
                    // The escaped character ends no string.
                    mended.extend(rest.next());
                } else {
                    mended.push(char::REPLACEMENT_CHARACTER);
                    replaced = true;
                }
            }
            c if inside && c.is_ascii_control() && c != '\x7f' => {
                mended.push(char::REPLACEMENT_CHARACTER);
                replaced = true;
            }
            c => {
                inside ^= c == '"';
                mended.push(c);
            }
        }
    }
    replaced.then_some(mended)
}

/// Returns whether a backslash before `after` is an escape of RFC 8259 §7.
fn is_escape(after: &str) -> bool {
    let mut bytes = after.bytes();
    match bytes.next() {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => true,
        Some(b'u') => bytes.take(4).filter(u8::is_ascii_hexdigit).count() == 4,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_json_forbids_in_a_string_is_replaced() {
        for (text, mended) in [
            ("{\n\"a\": \"b\"\t}", None),
            (r#"{"a":"\" \\ \/ \b\f\n\r\t \u00e9 é"}"#, None),
            ("{\"a\":\"b\nc\"}", Some("{\"a\":\"b\u{fffd}c\"}")),
            (
                r#"{"a":"it\'s","b":"\\"}"#,
                Some("{\"a\":\"it\u{fffd}'s\",\"b\":\"\\\\\"}"),
            ),
            (r#"{"a":"\u12"}"#, Some("{\"a\":\"\u{fffd}u12\"}")),
        ] {
            assert_eq!(strings(text).as_deref(), mended, "{text}");
        }
    }
}
