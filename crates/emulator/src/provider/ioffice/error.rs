//! Errors: `{"error", "errorDescription"}`.

use axum::body::Body;
use http::{Response, StatusCode};
use serde_json::Value;

use super::options::IOfficeOptions;
use crate::answer::{Fields, refused};

#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    error: &'static str,
    description: String,
    dead: bool,
}

impl Refusal {
    pub(super) fn new(
        status: StatusCode,
        error: &'static str,
        description: impl Into<String>,
    ) -> Self {
        Self {
            status,
            error,
            description: description.into(),
            dead: false,
        }
    }

    pub(super) fn request(description: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", description)
    }

    pub(super) fn client() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "invalid_client",
            "the client is unknown",
        )
    }

    /// The code is no good.
    pub(super) fn code(description: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_grant", description)
    }

    /// The refresh token is no good.
    pub(super) fn refresh_token(description: &str) -> Self {
        Self {
            dead: true,
            ..Self::code(description)
        }
    }

    pub(super) fn respond(self, options: &IOfficeOptions) -> Response<Body> {
        let description = if options.snake_case_errors {
            "error_description"
        } else {
            "errorDescription"
        };
        let fields = Fields::json([
            ("error", Value::from(self.error)),
            (description, self.description.into()),
        ]);
        refused(fields.respond(self.status), self.error, self.dead)
    }
}
