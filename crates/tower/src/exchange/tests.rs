//! A table of requests, the facts about each, and the steps that follow.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::FutureExt as _;
use http::{Extensions, HeaderMap, HeaderValue, StatusCode, Uri, header::AUTHORIZATION};
use tokenkeeper_engine::{
    Credential, Error as SourceError, TokenPlacement, TokenSource, TokenVersion,
    protocol::{Attachment, Origin, Verdict},
};

use super::{AfterReplacement, Spare};
use crate::{Anonymous, NoReplay, TokenPolicy};

const API: &str = "https://api.example/me";
const LIMIT: usize = 100;

/// A request and its facts. [`CASE`] is a rejected token, then a good one.
#[derive(Clone, Copy)]
struct Case {
    policy: fn(TokenPolicy) -> TokenPolicy,
    uri: &'static str,
    extensions: fn(&mut Extensions),
    /// At least this much of the body must be recorded.
    recorded: u64,
    /// The body can be sent again when the token is rejected, and when the new one has come.
    whole: [bool; 2],
    token: Token,
    replacement: Replacement,
    statuses: [u16; 2],
}

/// How the source gets its token.
#[derive(Clone, Copy, Debug)]
enum Token {
    Cached,
    Awaited,
    Missing,
}

/// What the source has after a rejection.
#[derive(Clone, Copy, Debug)]
enum Replacement {
    Next,
    HeldOff,
    Missing,
}

const CASE: Case = Case {
    policy: |policy| policy,
    uri: API,
    extensions: |_| (),
    recorded: 0,
    whole: [true; 2],
    token: Token::Cached,
    replacement: Replacement::Next,
    statuses: [401, 200],
};

/// The steps that were taken, in order.
#[derive(Clone, Debug, Default)]
struct Trace(Arc<Mutex<Vec<String>>>);

impl Trace {
    fn note(&self, step: impl Into<String>) {
        self.0.lock().unwrap().push(step.into());
    }
}

/// A token source that does what the case says.
#[derive(Debug)]
struct Source {
    token: Token,
    replacement: Replacement,
    trace: Trace,
}

fn credential(generation: u64) -> Credential {
    let attachment = Attachment::Header {
        name: AUTHORIZATION,
        value: HeaderValue::from(generation),
    };
    Credential::new(attachment, generation)
}

#[async_trait]
impl TokenSource for Source {
    fn try_credential(&self, replayable: bool) -> Option<Credential> {
        self.trace.note(match replayable {
            true => "asks",
            false => "asks once",
        });
        matches!(self.token, Token::Cached).then(|| credential(0))
    }

    async fn credential(&self, _: bool) -> Result<Credential, SourceError> {
        self.trace.note("waits");
        match self.token {
            Token::Missing => Err(SourceError::ShutDown),
            Token::Cached | Token::Awaited => Ok(credential(0)),
        }
    }

    async fn replacement(&self, old: TokenVersion) -> Result<Option<Credential>, SourceError> {
        self.trace.note(format!("replaces {}", old.generation));
        match self.replacement {
            Replacement::Next => Ok(Some(credential(old.generation + 1))),
            Replacement::HeldOff => Ok(None),
            Replacement::Missing => Err(SourceError::ShutDown),
        }
    }

    fn report_rejection(&self, rejected: TokenVersion) {
        self.trace.note(format!("reports {}", rejected.generation));
    }

    fn classify_response(&self, _: TokenVersion, status: StatusCode, _: &HeaderMap) -> Verdict {
        match status {
            StatusCode::UNAUTHORIZED => Verdict::Rejected,
            _ => Verdict::Accepted,
        }
    }

    fn placement(&self) -> TokenPlacement {
        TokenPlacement::Authorization
    }

    fn allows(&self, target: &Uri) -> bool {
        Origin::parse("https://api.example")
            .unwrap()
            .matches(target)
    }
}

/// A second attempt that is whole, or not, at both times.
struct Second([bool; 2]);

impl Spare for Second {
    type Request = ();

    fn is_whole(&self) -> bool {
        self.0[0]
    }

    fn into_request(self) -> Option<()> {
        self.0[1].then_some(())
    }
}

/// Performs what the exchange decides, and returns the steps.
fn run(case: &Case) -> String {
    let trace = Trace::default();
    let end = drive(case, &trace);
    trace.note(end);
    let steps = trace.0.lock().unwrap();
    steps.join(", ")
}

fn drive(case: &Case, trace: &Trace) -> String {
    let policy = TokenPolicy::from_source(Source {
        token: case.token,
        replacement: case.replacement,
        trace: trace.clone(),
    });
    let policy = (case.policy)(policy.replay_limit(LIMIT));
    let mut extensions = Extensions::new();
    (case.extensions)(&mut extensions);
    let exchange = match policy.begin(&case.uri.parse().unwrap(), &extensions) {
        Ok(Some(exchange)) => exchange,
        Ok(None) => return "passes".to_owned(),
        Err(error) => return format!("refuses: {error:?}"),
    };
    let replayable = exchange.is_replayable(case.recorded);
    let spare = exchange.replay_limit().map(|_| Second(case.whole));
    let token = match exchange.try_credential(replayable) {
        Some(token) => token,
        None => match exchange.credential(replayable).now_or_never().unwrap() {
            Ok(token) => token,
            Err(error) => return format!("fails: {error:?}"),
        },
    };
    trace.note(format!("sends {}", token.version().generation));
    let mut sent = exchange.sent(token.version(), spare);
    let mut statuses = case.statuses.into_iter();
    loop {
        let status = StatusCode::from_u16(statuses.next().unwrap()).unwrap();
        let Some(replacing) = sent.on_response(status, &HeaderMap::new()) else {
            return format!("returns {}", status.as_u16());
        };
        let replacement = replacing.replacement().now_or_never().unwrap();
        match replacing.on_replacement(replacement) {
            AfterReplacement::Replay {
                credential,
                sent: replay,
                request: (),
            } => {
                trace.note(format!("sends {}", credential.version().generation));
                sent = replay;
            }
            AfterReplacement::Return => return format!("returns {}", status.as_u16()),
            AfterReplacement::Fail(error) => return format!("fails: {error:?}"),
        }
    }
}

fn anonymous(extensions: &mut Extensions) {
    extensions.insert(Anonymous);
}

fn no_replay(extensions: &mut Extensions) {
    extensions.insert(NoReplay);
}

#[rustfmt::skip]
const CASES: &[(&str, Case, &str)] = &[
    ("valid token", Case { statuses: [200, 0], ..CASE },
     "asks, sends 0, returns 200"),
    ("awaited token", Case { token: Token::Awaited, statuses: [200, 0], ..CASE },
     "asks, waits, sends 0, returns 200"),
    ("no token", Case { token: Token::Missing, ..CASE },
     "asks, waits, fails: ShutDown"),
    ("other error status", Case { statuses: [403, 0], ..CASE },
     "asks, sends 0, returns 403"),
    ("rejection", CASE,
     "asks, sends 0, replaces 0, sends 1, returns 200"),
    ("second rejection", Case { statuses: [401, 401], ..CASE },
     "asks, sends 0, replaces 0, sends 1, reports 1, returns 401"),
    ("held off", Case { replacement: Replacement::HeldOff, ..CASE },
     "asks, sends 0, replaces 0, returns 401"),
    ("no replacement", Case { replacement: Replacement::Missing, ..CASE },
     "asks, sends 0, replaces 0, fails: ShutDown"),
    ("replay off", Case { policy: |policy| policy.replay(false), ..CASE },
     "asks once, sends 0, reports 0, returns 401"),
    ("NoReplay", Case { extensions: no_replay, ..CASE },
     "asks once, sends 0, reports 0, returns 401"),
    ("body at the limit", Case { recorded: LIMIT as u64, ..CASE },
     "asks, sends 0, replaces 0, sends 1, returns 200"),
    ("body over the limit, read", Case { recorded: 101, whole: [false; 2], ..CASE },
     "asks once, sends 0, reports 0, returns 401"),
    ("body over the limit, unread", Case { recorded: 101, ..CASE },
     "asks once, sends 0, replaces 0, sends 1, returns 200"),
    ("body read during the wait", Case { whole: [true, false], ..CASE },
     "asks, sends 0, replaces 0, returns 401"),
    ("Anonymous", Case { extensions: anonymous, ..CASE },
     "passes"),
    ("Anonymous, strict", Case {
        extensions: anonymous, uri: "https://other.example",
        policy: |policy| policy.strict_origins(true), ..CASE
     }, "passes"),
    ("other host", Case { uri: "https://other.example/me", ..CASE },
     "passes"),
    ("other scheme", Case { uri: "http://api.example/me", ..CASE },
     "passes"),
    ("other port, strict", Case {
        uri: "https://api.example:8443/me", policy: |policy| policy.strict_origins(true), ..CASE
     }, r#"refuses: OtherOrigin { origin: "https://api.example:8443", allowed: "other origins" }"#),
    ("user info", Case { uri: "https://user@api.example/me", ..CASE },
     "refuses: UserInfo"),
    ("relative URI", Case { uri: "/me", ..CASE },
     "refuses: NoAuthority"),
    ("relative URI, origin", Case {
        uri: "/me", statuses: [200, 0],
        policy: |policy| policy.origin(Uri::from_static("https://api.example")), ..CASE
     }, "asks, sends 0, returns 200"),
    ("relative URI, other origin", Case {
        uri: "/me",
        policy: |policy| policy.origin(Uri::from_static("https://other.example")), ..CASE
     }, "passes"),
    ("relative URI, origin without scheme", Case {
        uri: "/me", policy: |policy| policy.origin(Uri::from_static("api.example")), ..CASE
     }, "refuses: Origin"),
    ("relative URI, origin in the clear", Case {
        uri: "/me", policy: |policy| policy.origin(Uri::from_static("http://api.example")), ..CASE
     }, "refuses: Origin"),
];

#[test]
fn facts_lead_to_the_next_step() {
    for (name, case, expected) in CASES {
        assert_eq!(run(case), *expected, "{name}");
    }
}

#[test]
fn replay_and_its_limit_are_set_in_any_order() {
    let origin = Origin::parse("https://api.example").unwrap();
    let policy = TokenPolicy::fixed("t", [origin]).replay_limit(7);
    let limit = |policy: TokenPolicy| {
        let begun = policy.begin(&API.parse().unwrap(), &Extensions::new());
        begun.unwrap().unwrap().replay_limit()
    };
    assert_eq!(limit(policy.clone()), Some(7));
    assert_eq!(limit(policy.clone().replay(false).replay_limit(9)), None);
    assert_eq!(limit(policy.replay(false).replay(true)), Some(7));
}
