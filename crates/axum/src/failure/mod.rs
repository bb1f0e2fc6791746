//! The failures that a browser sees: a status, a word for the application, a sentence for the
//! person.

mod of_error;
mod page;

use std::time::Duration;

use http::StatusCode;

pub use self::page::{FailurePage, NextStep, RetryForm};
pub(crate) use self::page::{Retry, Task};

use crate::fields::Fields;

/// One of a fixed set of failures.
///
/// Nothing in it comes from a request or a secret, except for the provider's text about a denial
/// that belongs to the login.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    /// The word for `?failure=`, logs and the cookie of an ended login.
    pub(crate) code: &'static str,
    text: &'static str,
    /// The provider's text, to be escaped.
    pub(crate) description: Option<String>,
    /// Whether the flow cannot be finished any more.
    pub(crate) ends_flow: bool,
    /// Whether the code was not presented, so that the same redirect may still succeed.
    pub(crate) keeps_code: bool,
    pub(crate) retry_after: Option<Duration>,
    /// What a new attempt would be about.
    fields: Option<Box<Fields>>,
    /// Whether the log has it already, with more than its word.
    is_logged: bool,
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
    pub(crate) const NOT_CONFIRMED: Self = Self::new(
        StatusCode::FORBIDDEN,
        "not-confirmed",
        "You cancelled this login, so nothing was connected. Start it again to connect.",
    )
    .ending();
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
    pub(crate) const NEXT: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "return-path",
        "The link leads to a page that is not one of this application.",
    );
    pub(crate) const SCOPE: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "scope",
        "The link asks for more access than this application may ask for.",
    );
    pub(crate) const ACCOUNT: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "account",
        "You have no account of this name here.",
    );
    const DENIED: Self = Self::new(
        StatusCode::FORBIDDEN,
        "denied",
        "Access was not given, so nothing was connected. Start the login again to connect.",
    );
    const EXPIRED: Self = Self::new(
        StatusCode::FORBIDDEN,
        "expired",
        "The login took too long. Start it again.",
    )
    .ending();
    const USED: Self = Self::new(
        StatusCode::FORBIDDEN,
        "used",
        "The code of this login was used before. Start it again.",
    )
    .ending();
    const EXCHANGE: Self = Self::new(
        StatusCode::BAD_GATEWAY,
        "exchange",
        "The provider gave no access. Start the login again.",
    )
    .ending();
    const SUPERSEDED: Self = Self::new(
        StatusCode::CONFLICT,
        "superseded",
        "A newer login or a disconnect came first.",
    )
    .ending();
    pub(super) const SITE: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "site",
        "This site of the provider is not one that can be connected here.",
    );
    /// The login can still be finished, by the same redirect.
    pub(crate) const UNAVAILABLE: Self = Self::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "unavailable",
        "This does not work at the moment. Try again in a while.",
    )
    .keeping_code();
    pub(crate) const MISCONFIGURED: Self = Self::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "misconfigured",
        "This does not work until the application's configuration is corrected.",
    )
    .ending();

    /// All failures that a login can end in.
    const ENDS: [Self; 8] = [
        Self::DENIED.ending(),
        Self::EXPIRED,
        Self::USED,
        Self::EXCHANGE,
        Self::SUPERSEDED,
        Self::OTHER_PERSON,
        Self::NOT_CONFIRMED,
        Self::MISCONFIGURED,
    ];

    /// All other failures of a callback.
    const REFUSALS: [Self; 11] = [
        Self::FOREIGN_ORIGIN,
        Self::NONCE,
        Self::SITE,
        Self::UNAVAILABLE,
        Self::NO_FLOW,
        Self::NO_ANSWER,
        Self::STATE,
        Self::WRONG_PLACE,
        Self::SIGNED_OUT,
        Self::TOO_LARGE,
        Self::UNKNOWN_PROVIDER,
    ];

    /// Returns the failure that ended a login, by its word.
    pub(crate) fn of_ended(code: &str) -> Option<Self> {
        Self::ENDS.into_iter().find(|failure| failure.code == code)
    }

    /// Returns a callback's failure that has its own page, by its word.
    pub(crate) fn of_code(code: &str) -> Option<Self> {
        let mut all = Self::ENDS.into_iter().chain(Self::REFUSALS);
        all.find(|failure| failure.code == code)
    }

    /// Returns the sentence for the person, to be escaped.
    pub(crate) fn message(&self) -> String {
        let text = self.text;
        match &self.description {
            Some(said) => format!("{text} The provider says: “{said}”"),
            None => text.to_owned(),
        }
    }

    /// Returns what the person can do about it.
    pub(crate) fn next_step(&self) -> NextStep {
        match self.code {
            "signed-out" => NextStep::SignIn,
            "unavailable" => NextStep::Wait,
            "misconfigured" | "unknown-provider" | "return-path" | "scope" | "account" => {
                NextStep::GoBack
            }
            _ => NextStep::TryAgain,
        }
    }

    /// Keeps what a new attempt would be about.
    pub(crate) fn with(mut self, fields: Fields) -> Self {
        self.fields = Some(Box::new(fields));
        self
    }

    /// Returns what a new attempt would be about, if it is known.
    pub(crate) fn known_fields(&self) -> Option<&Fields> {
        self.fields.as_deref()
    }

    const fn new(status: StatusCode, code: &'static str, text: &'static str) -> Self {
        Self {
            status,
            code,
            text,
            description: None,
            ends_flow: false,
            keeps_code: false,
            retry_after: None,
            fields: None,
            is_logged: false,
        }
    }

    /// Logs why a browser is refused, once for each response.
    pub(crate) fn log(&self, brand: &str) {
        if !self.is_logged {
            tracing::info!(
                provider = brand,
                failure = self.code,
                "a browser is refused"
            );
        }
    }

    pub(crate) const fn logged(mut self) -> Self {
        self.is_logged = true;
        self
    }

    const fn ending(mut self) -> Self {
        self.ends_flow = true;
        self
    }

    const fn keeping_code(mut self) -> Self {
        self.keeps_code = true;
        self
    }

    pub(crate) fn described(mut self, description: Option<String>) -> Self {
        self.description = description;
        self
    }

    fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }
}
