//! What is kept of a failure: its word, the provider's text, and the fields of a new attempt.

use std::time::Duration;

use cookie::{Cookie, SameSite};
use http::HeaderMap;

use super::{
    host,
    jar::{add, pairs, remove},
};
use crate::{callback_path::CallbackPath, failure::Failure, fields::Fields};

/// How long a failure is remembered, for a callback that comes again.
pub(super) const LIFETIME: Duration = Duration::from_secs(600);

/// The limit for what is kept, in bytes. A browser may keep it twice, next to other logins.
const MAX_KEPT: usize = 2048;

/// Writes a failure as a cookie holds it. What does not fit is left out, the text first.
pub(super) fn encode(failure: &Failure) -> String {
    let code = failure.code;
    let Some(fields) = failure.known_fields() else {
        return code.to_owned();
    };
    let texts = [&failure.description, &None].into_iter();
    let mut values = texts.map(|text| format!("{code}.{}", fields.encode_with(text)));
    let value = values.find(|value| value.len() <= MAX_KEPT);
    value.unwrap_or_else(|| code.to_owned())
}

/// Returns the failure that ended a login, by what [`encode`] wrote.
pub(super) fn decode(value: &str) -> Option<Failure> {
    let (code, kept) = match value.split_once('.') {
        Some((code, kept)) => (code, Some(kept)),
        None => (value, None),
    };
    Some(recall(Failure::of_ended(code)?, kept))
}

fn recall(failure: Failure, kept: Option<&str>) -> Failure {
    let Some(kept) = kept else {
        return failure;
    };
    let mut pairs = form_urlencoded::parse(kept.as_bytes());
    let text = pairs.find(|(name, _)| name == "text");
    let text = text.map(|(_, text)| text.into_owned());
    failure.described(text).with(Fields::decode(kept))
}

/// Keeps the provider's text about a failure and the fields of a new attempt for the failure's
/// page. If the fields are not known, those of an earlier failure go.
pub(crate) fn set_shown(
    callback_path: &CallbackPath,
    failure: &Failure,
    given: &HeaderMap,
    set: &mut HeaderMap,
) {
    let value = encode(failure);
    if value == failure.code {
        return forget_shown(callback_path, given, set);
    }
    let cookie = Cookie::new(shown_name(callback_path), value);
    add(cookie, SameSite::Lax, LIFETIME, set);
}

/// Removes what [`set_shown`] kept about an earlier failure.
pub(super) fn forget_shown(callback_path: &CallbackPath, given: &HeaderMap, set: &mut HeaderMap) {
    let name = shown_name(callback_path);
    if pairs(given).any(|(given, _)| *given == name) {
        remove(&name, set);
    }
}

/// Returns a failure with what [`set_shown`] kept about it. The page escapes it.
pub(crate) fn shown(callback_path: &CallbackPath, failure: Failure, given: &HeaderMap) -> Failure {
    let name = shown_name(callback_path);
    let kept = pairs(given).find(|(given, _)| *given == name);
    let kept = kept.and_then(|(_, value)| value.strip_prefix(failure.code)?.strip_prefix('.'));
    recall(failure, kept)
}

/// Returns the name of the cookie of a failure's page, which is not one of a login.
fn shown_name(callback_path: &CallbackPath) -> String {
    format!(
        "{}tokenkeeper-text.{}",
        host(callback_path),
        callback_path.brand
    )
}
