//! The faults.

use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::Value;

/// A fault that a request meets.
///
/// A request meets at most one waiting fault ([`Delay`](Self::Delay),
/// [`DelayAnswer`](Self::DelayAnswer), a [`Gate`](crate::Gate)) and one of the others, so that
/// "wait, then fail" is two faults.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Fault {
    /// Waits before the request is processed.
    Delay(Duration),
    /// Waits after the request was processed.
    DelayAnswer(Duration),

    /// 500 with a JSON body; not processed.
    ServerError,
    /// 500 with an HTML body; not processed.
    HtmlServerError,
    /// 400 with an HTML body; not processed.
    HtmlBadRequest,
    /// 302 to the emulator's own `/login`, an HTML page; not processed.
    LoginRedirect,
    /// 302 to this URL, for example of another origin; not processed.
    Redirect(String),
    /// 429 with `Retry-After` (seconds) and the three `X-RateLimit` headers; not processed.
    TooManyRequests {
        /// Seconds to wait.
        retry_after: u64,
    },
    /// 429 without any such header; not processed.
    TooManyRequestsBare,
    /// 503, with `Retry-After` (seconds) if given; not processed.
    Unavailable {
        /// Seconds to wait.
        retry_after: Option<u64>,
    },
    /// This response; the request is not processed.
    Answer(Response<Bytes>),

    /// The connection is closed before the body is read; not processed.
    CutBeforeBody,
    /// The connection is closed after the body was read; not processed.
    CutAfterBody,
    /// The request is processed (a refresh token is rotated), then the connection is closed without
    /// a response.
    CutBeforeAnswer,
    /// The request is processed, then the connection is closed after half of the response's body.
    CutDuringAnswer,

    /// Processed; the response's body lacks its second half, with a matching `Content-Length`.
    Truncated,
    /// Processed; the response's body is empty.
    Empty,
    /// Processed; the response's body is valid JSON of 10 MB.
    Oversized,
    /// Processed; the response has this content type.
    ContentType(String),
    /// Processed; the response's body holds bytes that are not UTF-8.
    InvalidUtf8,
    /// Processed; the response's body is in Latin-1, with the member `name` next to the others:
    /// `René`.
    ///
    /// The response does not count as damaged: the counters say `granted`.
    Latin1,
    /// Processed; this field of the response's object has this value.
    ///
    /// Dots reach the members of nested objects: `data.expires_in`.
    ///
    /// The response does not count as damaged: the counters say `granted`.
    Field(String, Value),
    /// Processed; the response's object lacks this field, or the one at this path.
    ///
    /// The response does not count as damaged: the counters say `granted`.
    Without(String),
    /// Processed; this response is sent instead of the provider's.
    AnswerInstead(Response<Bytes>),
}

impl Fault {
    /// Makes an [`Answer`](Self::Answer) with this status and no body.
    ///
    /// # Panics
    /// If `status` is not between 100 and 999.
    #[must_use]
    pub fn status(status: u16) -> Self {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() =
            StatusCode::from_u16(status).expect("a status between 100 and 999");
        Self::Answer(response)
    }

    /// Makes an [`Answer`](Self::Answer) with this status and this JSON body.
    ///
    /// # Panics
    /// If `status` is not between 100 and 999.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        let response = Response::builder()
            .status(status)
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(Bytes::from(body.to_string()));
        Self::Answer(response.expect("a status between 100 and 999"))
    }

    /// Makes a [`Field`](Self::Field).
    #[must_use]
    pub fn field(name: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::Field(name.into(), value.into())
    }

    /// Returns the name in the counters.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Delay(_) => "delay",
            Self::DelayAnswer(_) => "delay-answer",
            Self::ServerError => "server-error",
            Self::HtmlServerError => "html-server-error",
            Self::HtmlBadRequest => "html-bad-request",
            Self::LoginRedirect => "login-redirect",
            Self::Redirect(_) => "redirect",
            Self::TooManyRequests { .. } => "too-many-requests",
            Self::TooManyRequestsBare => "too-many-requests-bare",
            Self::Unavailable { .. } => "unavailable",
            Self::Answer(_) => "answer",
            Self::CutBeforeBody => "cut-before-body",
            Self::CutAfterBody => "cut-after-body",
            Self::CutBeforeAnswer => "cut-before-answer",
            Self::CutDuringAnswer => "cut-during-answer",
            Self::Truncated => "truncated",
            Self::Empty => "empty",
            Self::Oversized => "oversized",
            Self::ContentType(_) => "content-type",
            Self::InvalidUtf8 => "invalid-utf8",
            Self::Latin1 => "latin-1",
            Self::Field(..) => "field",
            Self::Without(_) => "without",
            Self::AnswerInstead(_) => "answer-instead",
        }
    }

    pub(super) fn waits(&self) -> bool {
        matches!(self, Self::Delay(_) | Self::DelayAnswer(_))
    }
}

/// The error of a connection that a fault closed without a whole response.
///
/// [`Emulator::call`](crate::Emulator::call) returns it if a client on a socket would see the
/// connection end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a fault of the emulator has cut the connection")]
#[non_exhaustive]
pub struct Cut;
