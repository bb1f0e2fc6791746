//! What a refusal of the token endpoint means.

use std::{fmt, time::Duration};

use http::StatusCode;

/// What may be done after a token request that brought no tokens.
///
/// What the dialect's map does not name falls under these defaults:
///
/// | answer | class |
/// |---|---|
/// | 429; 503 with `Retry-After` | transient |
/// | other 5xx; 408; a 2xx that cannot be read | ambiguous |
/// | 4xx with `invalid_grant` | terminal |
/// | 4xx with `invalid_client`, `unauthorized_client`, `unsupported_grant_type` | configuration |
/// | any other 4xx, be it empty, HTML or another error code; 3xx | unexplained |
///
/// `invalid_request` and `invalid_scope` are unexplained on purpose: they blame the request, not the token, so that one of them
/// does not log a person out at once; the code is kept for whoever looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The server is busy: ask again later. After a 5xx it may have redeemed the token even so
    /// ([`Refusal::may_have_redeemed`]).
    Transient {
        /// How long to wait, if the server says so.
        retry_after: Option<Duration>,
    },
    /// Nobody knows whether the token was redeemed: it counts as presented, and may be presented again.
    Ambiguous,
    /// The token or code is refused for good.
    Terminal,
    /// Refused without a reason that one could act on.
    Unexplained,
    /// The client's registration is refused, the token was not judged: it is kept until the configuration has changed.
    Configuration,
}

/// A token request's answer without tokens. It holds nothing of the body but a sanitised error code; `Display` is safe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What may be done.
    pub class: Class,
    /// The answer's status, if there was an answer.
    pub status: Option<StatusCode>,
    /// The answer's error code, if it had a sane one.
    pub code: Option<ErrorCode>,
}

impl Refusal {
    /// Returns whether the server may have redeemed the token before it gave this answer.
    ///
    /// True for [`Class::Ambiguous`], and for a [`Class::Transient`] with a 5xx: a 503 with
    /// `Retry-After` may come from a gateway after the server behind it rotated the token. A refusal
    /// of the token that follows such an answer may be due to the rotation.
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
            Class::Transient { .. } => "the token endpoint is busy: ask again later",
            Class::Ambiguous => {
                "the token endpoint gave no readable answer: it may have redeemed the token"
            }
            Class::Terminal => "the token endpoint refused the grant: authorize again",
            Class::Unexplained => "the token endpoint refused without a usable reason",
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

/// The value of an error field, fit for logs: visible ASCII without quotes and backslash (RFC 6749 §5.2), at most 64 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ErrorCode(String);

impl ErrorCode {
    /// Takes a code that is sane; `None` drops any other.
    #[must_use]
    pub fn new(code: &str) -> Option<Self> {
        let sane = |b: u8| b.is_ascii_graphic() && b != b'"' && b != b'\\' && b != b'\'';
        let fits = !code.is_empty() && code.len() <= 64 && code.bytes().all(sane);
        fits.then(|| Self(code.to_owned()))
    }

    /// The code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A redirect's error ends the flow whatever it is called.
    pub(crate) fn of_redirect(error: &str) -> Self {
        Self::new(error).unwrap_or_else(|| Self("unreadable_error".to_owned()))
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
