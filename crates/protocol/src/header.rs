//! Header values that hold secrets, and the header `Date`.

use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header::DATE};
use zeroize::Zeroizing;

use crate::{
    dialect::Template,
    error::{Error, HeaderProblem},
    values::Values,
};

/// Makes a header value marked sensitive, if `text` reaches the server unchanged. Its bytes are
/// wiped when its last clone is dropped.
///
/// # Errors
/// [`Error::HeaderValue`] if the text is empty, holds a control character or a byte beyond ASCII,
/// or begins or ends with a space.
pub fn sensitive_header(what: &'static str, text: &str) -> Result<HeaderValue, Error> {
    check(what, text)?;
    // The header owns these bytes, and wipes them.
    let bytes = Bytes::from_owner(Zeroizing::new(text.as_bytes().to_vec()));
    sensitive(HeaderValue::from_maybe_shared(bytes))
}

/// Does the checks of [`sensitive_header`] alone.
pub(crate) fn check(what: &'static str, text: &str) -> Result<(), Error> {
    let refused = |problem| Err(Error::HeaderValue { what, problem });
    if text.is_empty() {
        return refused(HeaderProblem::Empty);
    }
    if text.bytes().any(|b| b.is_ascii_control()) {
        return refused(HeaderProblem::Control);
    }
    if !text.is_ascii() {
        return refused(HeaderProblem::NonAscii);
    }
    if text.starts_with(' ') || text.ends_with(' ') {
        return refused(HeaderProblem::Blank);
    }
    Ok(())
}

pub(crate) fn sensitive(
    value: Result<HeaderValue, http::header::InvalidHeaderValue>,
) -> Result<HeaderValue, Error> {
    let mut value = value.map_err(http::Error::from)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Makes the value of a constant header. It is marked sensitive if it holds a value, which may be a
/// key.
pub(crate) fn constant(values: &Values<'_>, template: &Template) -> Result<HeaderValue, Error> {
    let text = values.fill(template)?;
    check("constant header", &text)?;
    let mut value = HeaderValue::from_str(&text).map_err(http::Error::from)?;
    value.set_sensitive(template.names().next().is_some());
    Ok(value)
}

/// Returns the server's time from the header `Date`. `None`: absent or unreadable.
#[must_use]
pub fn date(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?.trim()).ok()
}
