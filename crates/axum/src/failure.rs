//! The failures that a browser sees: a status, a word for the application, a sentence for the
//! person.

use std::time::Duration;

use http::StatusCode;
use tokenkeeper_engine::{
    Advice, Error, FlowError,
    protocol::{self, RedirectError},
};

/// One of a fixed set of failures; nothing in it comes from a request, a provider or a secret.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    /// The word for `?failure=` and logs.
    pub(crate) code: &'static str,
    pub(crate) text: &'static str,
    /// Whether the flow cannot be finished any more, so that its cookie is removed.
    pub(crate) ends_flow: bool,
    pub(crate) retry_after: Option<Duration>,
}

impl Failure {
    pub(crate) const NO_FLOW: Self = Self::new(
        StatusCode::FORBIDDEN,
        "no-flow",
        "No login is in progress in this browser. Start it again.",
    );
    pub(crate) const NO_ANSWER: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "bad-redirect",
        "The provider's answer cannot be read. Start the login again.",
    );
    pub(crate) const STATE: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "state-mismatch",
        "This answer does not belong to the login that was started. Start it again.",
    );
    pub(crate) const WRONG_PLACE: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "wrong-place",
        "This answer belongs to another provider's login. Start it again.",
    );
    pub(crate) const SIGNED_OUT: Self = Self::new(
        StatusCode::FORBIDDEN,
        "signed-out",
        "You are not signed in. Sign in and try again.",
    );
    pub(crate) const OTHER_PERSON: Self = Self::new(
        StatusCode::FORBIDDEN,
        "other-person",
        "Someone else started this login. Start it again.",
    )
    .ending();
    pub(crate) const FOREIGN_ORIGIN: Self = Self::new(
        StatusCode::FORBIDDEN,
        "foreign-origin",
        "This request does not come from a page of this application.",
    );
    pub(crate) const NONCE: Self = Self::new(
        StatusCode::FORBIDDEN,
        "used-page",
        "This page was used before. Start the login again.",
    );
    pub(crate) const TOO_LARGE: Self = Self::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too-large",
        "The request is too large.",
    );
    pub(crate) const UNKNOWN_PROVIDER: Self = Self::new(
        StatusCode::NOT_FOUND,
        "unknown-provider",
        "There is no such provider.",
    );

    const fn new(status: StatusCode, code: &'static str, text: &'static str) -> Self {
        Self {
            status,
            code,
            text,
            ends_flow: false,
            retry_after: None,
        }
    }

    const fn ending(mut self) -> Self {
        self.ends_flow = true;
        self
    }

    fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        match error {
            Error::Flow(FlowError::Expired) => Self::new(
                StatusCode::FORBIDDEN,
                "expired",
                "The login took too long. Start it again.",
            )
            .ending(),
            Error::Flow(FlowError::Used) => Self::new(
                StatusCode::FORBIDDEN,
                "used",
                "The code of this login was used before. Start it again.",
            )
            .ending(),
            Error::Flow(_) => Self::NO_FLOW.ending(),
            Error::Redirect(error) => redirect(error),
            Error::Exchange { .. } => Self::new(
                StatusCode::BAD_GATEWAY,
                "exchange",
                "The provider gave no access. Start the login again.",
            )
            .ending(),
            Error::Superseded { .. } => Self::new(
                StatusCode::CONFLICT,
                "superseded",
                "A newer login or a disconnect came first.",
            )
            .ending(),
            Error::UnknownProvider { .. } => Self::UNKNOWN_PROVIDER.ending(),
            Error::Protocol(error) => request(error),
            error => general(error),
        }
    }
}

fn redirect(error: &RedirectError) -> Failure {
    match error {
        RedirectError::Denied { .. } => Failure::new(
            StatusCode::FORBIDDEN,
            "denied",
            "Access was not given. Nothing was connected.",
        )
        .ending(),
        RedirectError::StateMismatch => Failure::STATE,
        // Anyone may have sent this redirect, so it must not end the login in progress.
        _ => Failure::NO_ANSWER,
    }
}

fn request(error: &protocol::Error) -> Failure {
    use protocol::Error as E;
    match error {
        E::SiteMissing { .. }
        | E::SiteUnexpected { .. }
        | E::SiteRefused { .. }
        | E::Origin { .. } => Failure::new(
            StatusCode::BAD_REQUEST,
            "site",
            "This site of the provider is not one that can be connected here.",
        ),
        _ => MISCONFIGURED,
    }
}

fn general(error: &Error) -> Failure {
    match (error, error.advice()) {
        (_, Advice::Retry { after }) => UNAVAILABLE.retry_after(after),
        (Error::ShutDown, _) => UNAVAILABLE,
        _ => MISCONFIGURED,
    }
}

/// A flow that fails so late has its code sent, or is marked as used.
const UNAVAILABLE: Failure = Failure::new(
    StatusCode::SERVICE_UNAVAILABLE,
    "unavailable",
    "This does not work at the moment. Try again in a while.",
)
.ending();

const MISCONFIGURED: Failure = Failure::new(
    StatusCode::INTERNAL_SERVER_ERROR,
    "misconfigured",
    "This does not work until the application's configuration is corrected.",
)
.ending();
