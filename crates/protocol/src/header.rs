//! Values that travel in headers.

use std::time::SystemTime;

use http::{HeaderMap, HeaderValue, header::DATE};

use crate::error::{Error, HeaderProblem};

/// A header value marked sensitive, if `text` arrives at the server as it is.
///
/// # Errors
/// [`Error::HeaderValue`] where it is empty, holds a control character or a byte beyond ASCII, or begins or ends with a blank.
pub fn sensitive_header(what: &'static str, text: &str) -> Result<HeaderValue, Error> {
    check(what, text)?;
    sensitive(HeaderValue::from_str(text))
}

/// As [`sensitive_header`], without making the value.
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

/// The server's time, as its answer has it in `Date`. `None`: absent or unreadable.
pub(crate) fn date(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?.trim()).ok()
}
