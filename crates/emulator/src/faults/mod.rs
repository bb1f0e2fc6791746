//! Faults that a test switches on, per endpoint.

mod gate;
mod inject;

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::Value;

pub use gate::Gate;
pub(crate) use inject::{cut_midway, instead, spoil};

/// A part of the provider that faults and counters tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// Where the user approves; iOFFICE's direct code request too.
    Authorize,
    /// Where codes and refresh tokens are redeemed.
    Token,
    /// The vendor's API.
    Api,
    /// Where tokens are revoked.
    Revoke,
    /// Where tokens are looked up.
    Introspect,
}

/// Something that goes wrong.
///
/// A request meets at most one waiting fault ([`Delay`](Self::Delay), [`DelayAnswer`](Self::DelayAnswer), a [`Gate`]) and one of the
/// others, so that "wait, then fail" is two faults.
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
    /// 302 to this URL, of another origin say; not processed.
    Redirect(String),
    /// 429 with `Retry-After` (seconds), `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset`; not processed.
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
    /// The request is processed (a refresh token is rotated), then the connection is closed without an answer.
    CutBeforeAnswer,
    /// The request is processed, then the connection is closed after half of the answer's body.
    CutDuringAnswer,

    /// Processed; the answer's body lacks its second half, under a matching `Content-Length`.
    Truncated,
    /// Processed; the answer's body is empty.
    Empty,
    /// Processed; the answer's body is valid JSON of 10 MB.
    Oversized,
    /// Processed; the answer says that it is this.
    ContentType(String),
    /// Processed; the answer's body holds bytes that are not UTF-8.
    InvalidUtf8,
    /// Processed; this field of the answer's JSON object has this value. It is not a spoilt answer: the counters say `granted`.
    Field(String, Value),
    /// Processed; the answer's JSON object lacks this field. It is not a spoilt answer: the counters say `granted`.
    Without(String),
    /// Processed; this response is sent in place of the provider's.
    AnswerInstead(Response<Bytes>),
}

impl Fault {
    /// [`Answer`](Self::Answer) with this status and no body.
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

    /// [`Answer`](Self::Answer) with this status and this JSON body.
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

    /// [`Field`](Self::Field).
    #[must_use]
    pub fn field(name: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::Field(name.into(), value.into())
    }

    /// The name in the counters.
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
            Self::Field(..) => "field",
            Self::Without(_) => "without",
            Self::AnswerInstead(_) => "answer-instead",
        }
    }

    fn waits(&self) -> bool {
        matches!(self, Self::Delay(_) | Self::DelayAnswer(_))
    }
}

/// The connection was closed without a whole answer.
///
/// What [`Emulator::call`](crate::Emulator::call) gives where a client on a socket would see its connection end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the emulator has cut the connection, as a fault asked it to")]
#[non_exhaustive]
pub struct Cut;

/// The faults that are switched on.
///
/// For each request the oldest that applies is taken; one that was set for a number of requests goes away with the last of them.
///
/// ```
/// use bytes::Bytes;
/// use http::Request;
/// use tokenkeeper_emulator::{Emulator, Endpoint, Fault};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let emulator = Emulator::plain().in_process();
/// let call = || emulator.call(Request::get("/api/me").body(Bytes::new()).expect("a request"));
///
/// emulator.faults().once(Endpoint::Api, Fault::Unavailable { retry_after: Some(2) });
/// assert_eq!(call().await?.status(), 503);
///
/// let gate = emulator.faults().hold(Endpoint::Api);
/// let (answer, ()) = tokio::join!(call(), async {
///     gate.arrived(1).await; // It is held, and nothing was processed yet.
///     gate.release();
/// });
/// assert_eq!(answer?.status(), 401);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Faults {
    rules: Mutex<VecDeque<Rule>>,
}

impl Faults {
    pub(crate) fn new() -> Self {
        Self {
            rules: Mutex::default(),
        }
    }

    /// Switches a fault on until it is [cleared](Self::clear).
    pub fn always(&self, endpoint: Endpoint, fault: Fault) {
        self.add(endpoint, None, Action::Fault(fault));
    }

    /// Switches a fault on for the next `count` requests.
    pub fn next(&self, endpoint: Endpoint, count: usize, fault: Fault) {
        if count > 0 {
            self.add(endpoint, Some(count), Action::Fault(fault));
        }
    }

    /// Switches a fault on for the next request.
    pub fn once(&self, endpoint: Endpoint, fault: Fault) {
        self.next(endpoint, 1, fault);
    }

    /// Requests wait at a gate before they are processed, until it is released or dropped.
    pub fn hold(&self, endpoint: Endpoint) -> Gate {
        let gate = Gate::new();
        self.add(endpoint, None, Action::Hold(gate.clone_inner()));
        gate
    }

    /// Requests are processed, then wait at a gate before they are answered, until it is released or dropped.
    pub fn hold_answers(&self, endpoint: Endpoint) -> Gate {
        let gate = Gate::new();
        self.add(endpoint, None, Action::HoldAnswer(gate.clone_inner()));
        gate
    }

    /// Switches off all faults of an endpoint. Gates stay, and must be released.
    pub fn clear(&self, endpoint: Endpoint) {
        self.lock()
            .retain(|rule| rule.endpoint != endpoint || rule.action.is_gate());
    }

    /// Switches off all faults of all endpoints. Gates stay, and must be released.
    pub fn clear_all(&self) {
        self.lock().retain(|rule| rule.action.is_gate());
    }

    /// What the next request to `endpoint` meets.
    pub(crate) fn plan(&self, endpoint: Endpoint) -> Plan {
        let mut plan = Plan::default();
        let mut rules = self.lock();
        rules.retain(|rule| !rule.action.is_open());
        for rule in rules.iter_mut().filter(|rule| rule.endpoint == endpoint) {
            let slot = match &rule.action {
                Action::Fault(fault) if !fault.waits() => &mut plan.fault,
                Action::Fault(_) | Action::Hold(_) | Action::HoldAnswer(_) => &mut plan.wait,
            };
            if slot.is_none() {
                *slot = Some(rule.action.clone());
                rule.left = rule.left.map(|left| left - 1);
            }
        }
        rules.retain(|rule| rule.left != Some(0));
        plan
    }

    fn add(&self, endpoint: Endpoint, left: Option<usize>, action: Action) {
        self.lock().push_back(Rule {
            endpoint,
            left,
            action,
        });
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Rule>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct Rule {
    endpoint: Endpoint,
    left: Option<usize>,
    action: Action,
}

#[derive(Debug, Clone)]
enum Action {
    Fault(Fault),
    Hold(gate::Inner),
    HoldAnswer(gate::Inner),
}

impl Action {
    fn is_gate(&self) -> bool {
        !matches!(self, Self::Fault(_))
    }

    fn is_open(&self) -> bool {
        matches!(self, Self::Hold(gate) | Self::HoldAnswer(gate) if gate.is_open())
    }
}

/// What one request meets.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    wait: Option<Action>,
    fault: Option<Action>,
}

impl Plan {
    pub(crate) fn fault(&self) -> Option<&Fault> {
        match &self.fault {
            Some(Action::Fault(fault)) => Some(fault),
            _ => None,
        }
    }

    pub(crate) async fn before(&self) {
        match &self.wait {
            Some(Action::Fault(Fault::Delay(delay))) => tokio::time::sleep(*delay).await,
            Some(Action::Hold(gate)) => gate.pass().await,
            _ => {}
        }
    }

    pub(crate) async fn after(&self) {
        match &self.wait {
            Some(Action::Fault(Fault::DelayAnswer(delay))) => tokio::time::sleep(*delay).await,
            Some(Action::HoldAnswer(gate)) => gate.pass().await,
            _ => {}
        }
    }
}
