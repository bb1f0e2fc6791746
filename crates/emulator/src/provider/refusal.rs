//! Refusals in the form of RFC 6749 §5.2.

use axum::body::Body;
use http::{Response, StatusCode};
use serde_json::Value;

use crate::answer::{Fields, refused};

/// A refused request: its status, error code and description.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    error: &'static str,
    description: String,
    /// Whether the presented refresh token is of no more use.
    dead: bool,
}

impl Refusal {
    /// A refusal with the status that RFC 6749 gives its error code.
    pub(crate) fn new(error: &'static str, description: impl Into<String>) -> Self {
        let status = match error {
            "invalid_client" => StatusCode::UNAUTHORIZED,
            _ => StatusCode::BAD_REQUEST,
        };
        Self {
            status,
            error,
            description: description.into(),
            dead: false,
        }
    }

    pub(crate) fn request(description: impl Into<String>) -> Self {
        Self::new("invalid_request", description)
    }

    pub(crate) fn missing(parameter: &str) -> Self {
        Self::request(format!("{parameter} is missing"))
    }

    pub(crate) fn repeated(parameter: &str) -> Self {
        Self::request(format!("{parameter} is repeated"))
    }

    pub(crate) fn client() -> Self {
        Self::new("invalid_client", "client authentication failed")
    }

    /// The code is not valid.
    pub(crate) fn code(description: &str) -> Self {
        Self::new("invalid_grant", description)
    }

    /// The refresh token is not valid.
    pub(crate) fn refresh_token(description: &str) -> Self {
        Self {
            dead: true,
            ..Self::new("invalid_grant", description)
        }
    }

    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn error(&self) -> &'static str {
        self.error
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn description(&self) -> &str {
        &self.description
    }

    /// Returns whether the presented refresh token is of no more use.
    pub(crate) fn is_dead(&self) -> bool {
        self.dead
    }

    /// Responds with a body of `error` and the given name for the description.
    ///
    /// `write` makes the response of the status and these fields.
    pub(crate) fn respond(
        self,
        description: &'static str,
        write: impl FnOnce(StatusCode, Fields) -> Response<Body>,
    ) -> Response<Body> {
        let fields = Fields::json([
            ("error", Value::from(self.error)),
            (description, self.description.into()),
        ]);
        refused(write(self.status, fields), self.error, self.dead)
    }
}
