//! Refusals of the token endpoint (RFC 6749 §5.2) and their classes.

use std::{fmt, time::Duration};

use bytes::Bytes;
use http::{Response, StatusCode};

use crate::{body, error_code::ErrorCode, hint::Hint};

/// The class of a refusal: what may be done after a token request that brought no tokens.
///
/// A response that the dialect's map does not name has one of these defaults:
///
/// | response | class |
/// |---|---|
/// | 429; 503 with `Retry-After` or `temporarily_unavailable` | transient |
/// | 4xx with `temporarily_unavailable`, `slow_down` | transient |
/// | other 5xx; 408; 4xx with `server_error`; a 2xx that cannot be read | ambiguous |
/// | 4xx with `invalid_grant` | terminal |
/// | 4xx with `invalid_client`, `unauthorized_client`, `unsupported_grant_type` | configuration |
/// | any other 4xx (empty, HTML, another error code); 3xx | unexplained |
///
/// To a poll with a device code (RFC 8628 §3.5), four more codes have a meaning below status 500:
/// `authorization_pending` is pending, `slow_down` slows the polls down, and `access_denied` and
/// `expired_token` are terminal.
///
/// A 2xx without tokens whose `error` is set is classified by its code, like a 4xx.
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
    /// The person has not decided about a device's login yet: poll again.
    Pending,
    /// As [`Pending`](Self::Pending), and the polls came too fast: each pause from now on is 5
    /// seconds longer.
    SlowDown,
}

/// A token response without tokens. It keeps nothing of the body but a listed error code; `Display`
/// is safe to log.
///
/// ```
/// use std::time::SystemTime;
/// use tokenkeeper_protocol::{
///     Dialect, GrantType, Hint, Provider, Registration, bytes::Bytes, http::Response,
/// };
///
/// let registration = Registration::new("id", "https://app.example/cb").secret("s3cr3t");
/// let client = Dialect::rfc6749("example", "https://login.example")?.with(registration)?;
/// let response = Response::builder()
///     .status(401)
///     .header("content-type", "application/json")
///     .body(Bytes::from_static(br#"{"error":{"code":"refresh_token_reused"}}"#))?;
/// let refusal = client
///     .read_token_response(GrantType::RefreshToken, &response, SystemTime::now())
///     .unwrap_err();
/// assert_eq!(refusal.hint, Some(Hint::UnlistedCode));
/// assert_eq!(
///     refusal.to_string(),
///     "the token endpoint refused without a usable reason (401, an unlisted error code, \
///      application/json, 41 bytes): if the provider documents the code, name it in the dialect's \
///      `errors.map`",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The class.
    pub class: Class,
    /// The status of the response, if there was one.
    pub status: Option<StatusCode>,
    /// The error code of the response, if it has one.
    pub code: Option<ErrorCode>,
    /// The content type of the response, if it has one; "an unlisted content type" if it is no
    /// common one, since it could be anything.
    pub content_type: Option<&'static str>,
    /// The length of the body in bytes, if there was a response.
    pub length: Option<usize>,
    /// The field of the dialect that may help, if the response suggests one.
    pub hint: Option<Hint>,
}

impl Refusal {
    /// Makes a refusal without a response.
    #[must_use]
    pub fn new(class: Class) -> Self {
        Self {
            class,
            status: None,
            code: None,
            content_type: None,
            length: None,
            hint: None,
        }
    }

    /// Makes a refusal of this response, without an error code.
    #[must_use]
    pub fn of(class: Class, response: &Response<Bytes>) -> Self {
        Self {
            status: Some(response.status()),
            content_type: body::listed_content_type(response.headers()),
            length: Some(response.body().len()),
            ..Self::new(class)
        }
    }

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
            Class::Terminal
            | Class::Unexplained
            | Class::Configuration
            | Class::Pending
            | Class::SlowDown => false,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (problem, remedy) = match self.class {
            Class::Transient { .. } => ("the token endpoint is busy", "retry later"),
            Class::Ambiguous => (
                "the token endpoint sent no readable response",
                "it may have redeemed the token",
            ),
            Class::Terminal => ("the token endpoint refused the grant", "authorize again"),
            Class::Unexplained => (
                "the token endpoint refused without a usable reason",
                "ask the provider",
            ),
            Class::Configuration => (
                "the token endpoint refused the client",
                "check client id and secret",
            ),
            Class::Pending => ("the person has not decided yet", "poll again"),
            Class::SlowDown => ("the polls are too fast", "poll again, more slowly"),
        };
        f.write_str(problem)?;
        let facts = [
            self.status.map(|status| status.as_u16().to_string()),
            self.code.as_ref().map(ToString::to_string),
            self.content_type.map(str::to_owned),
            self.length.map(|length| format!("{length} bytes")),
        ];
        let facts: Vec<String> = facts.into_iter().flatten().collect();
        if !facts.is_empty() {
            write!(f, " ({})", facts.join(", "))?;
        }
        match &self.hint {
            Some(hint) => write!(f, ": {hint}"),
            None => write!(f, ": {remedy}"),
        }
    }
}

impl std::error::Error for Refusal {}
