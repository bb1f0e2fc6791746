//! Refusals of the token endpoint (RFC 6749 §5.2) and their classes.

use std::{fmt, time::Duration};

use http::StatusCode;

/// The class of a refusal: what may be done after a token request that brought no tokens.
///
/// A response that the dialect's map does not name has one of these defaults:
///
/// | response | class |
/// |---|---|
/// | 429; 503 with `Retry-After` | transient |
/// | other 5xx; 408; a 2xx that cannot be read | ambiguous |
/// | 4xx with `invalid_grant` | terminal |
/// | 4xx with `invalid_client`, `unauthorized_client`, `unsupported_grant_type` | configuration |
/// | any other 4xx (empty, HTML, another error code); 3xx | unexplained |
///
/// `invalid_request` and `invalid_scope` are unexplained on purpose: they blame the request and not
/// the token, so a single one does not end an account. [`Refusal::code`] keeps the error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The server is busy: retry later. After a 5xx it may have redeemed the token anyway
    /// ([`Refusal::may_have_redeemed`]).
    Transient {
        /// How long to wait, if the response says so.
        retry_after: Option<Duration>,
    },
    /// It is unknown whether the token was redeemed: it counts as presented, and may be presented
    /// again.
    Ambiguous,
    /// The token or code is refused permanently.
    Terminal,
    /// Refused without an actionable reason.
    Unexplained,
    /// The client is refused and the token was not judged: it is kept until the configuration
    /// changes.
    Configuration,
}

/// A token response without tokens. It keeps only a sanitised error code of the body; `Display` is
/// safe to log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The class.
    pub class: Class,
    /// The status of the response, if there was one.
    pub status: Option<StatusCode>,
    /// The error code of the response, if it has a valid one.
    pub code: Option<ErrorCode>,
}

impl Refusal {
    /// Returns whether the server may have redeemed the token before it sent this response.
    ///
    /// True for [`Class::Ambiguous`], and for a [`Class::Transient`] with a 5xx: a 503 with
    /// `Retry-After` may come from a gateway after the server behind it rotated the token. A
    /// refusal of the token that follows such a response may be due to the rotation.
    #[must_use]
    pub fn may_have_redeemed(&self) -> bool {
        match self.class {
            Class::Ambiguous => true,
            Class::Transient { .. } => self.status.is_some_and(|s| s.is_server_error()),
            Class::Terminal | Class::Unexplained | Class::Configuration => false,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.class {
            Class::Transient { .. } => "the token endpoint is busy: retry later",
            Class::Ambiguous => {
                "the token endpoint sent no readable response: it may have redeemed the token"
            }
            Class::Terminal => "the token endpoint refused the grant: authorize again",
            Class::Unexplained => {
                "the token endpoint refused without a usable reason: ask the provider"
            }
            Class::Configuration => "the token endpoint refused the client: fix the registration",
        })?;
        match (&self.status, &self.code) {
            (Some(status), Some(code)) => write!(f, " ({}, {code})", status.as_u16()),
            (Some(status), None) => write!(f, " ({})", status.as_u16()),
            (None, Some(code)) => write!(f, " ({code})"),
            (None, None) => Ok(()),
        }
    }
}

impl std::error::Error for Refusal {}

/// An error code that is safe to log: visible ASCII without quotes and backslash (RFC 6749 §5.2),
/// at most 64 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ErrorCode(String);

impl ErrorCode {
    /// Returns the code if it is valid.
    #[must_use]
    pub fn new(code: &str) -> Option<Self> {
        let sane = |b: u8| b.is_ascii_graphic() && b != b'"' && b != b'\\' && b != b'\'';
        let fits = !code.is_empty() && code.len() <= 64 && code.bytes().all(sane);
        fits.then(|| Self(code.to_owned()))
    }

    /// Returns the code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Makes a code for a denial, which counts even if its code is invalid.
    pub(crate) fn of_redirect(error: &str) -> Self {
        Self::new(error).unwrap_or_else(|| Self("unreadable_error".to_owned()))
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
