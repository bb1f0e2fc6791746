//! Errors of RFC 6749 §5.2.

use axum::body::Body;
use http::header::WWW_AUTHENTICATE;
use http::{HeaderValue, Response, StatusCode};
use serde_json::Value;

use crate::answer::{Fields, refused};

/// A refusal: code, description, and whether the refresh token that was presented is of no more use.
#[derive(Debug)]
pub(super) struct Refusal {
    error: &'static str,
    description: String,
    dead: bool,
}

impl Refusal {
    pub(super) fn new(error: &'static str, description: impl Into<String>) -> Self {
        Self {
            error,
            description: description.into(),
            dead: false,
        }
    }

    pub(super) fn request(description: impl Into<String>) -> Self {
        Self::new("invalid_request", description)
    }

    pub(super) fn client() -> Self {
        Self::new("invalid_client", "client authentication failed")
    }

    /// The code is no good.
    pub(super) fn code(description: &str) -> Self {
        Self::new("invalid_grant", description)
    }

    /// The refresh token is no good.
    pub(super) fn refresh_token(description: &str) -> Self {
        Self {
            dead: true,
            ..Self::new("invalid_grant", description)
        }
    }

    pub(super) fn error(&self) -> &'static str {
        self.error
    }

    pub(super) fn respond(self, in_200: bool) -> Response<Body> {
        let client = self.error == "invalid_client";
        let status = match (in_200, client) {
            (true, _) => StatusCode::OK,
            (false, true) => StatusCode::UNAUTHORIZED,
            (false, false) => StatusCode::BAD_REQUEST,
        };
        let fields = Fields::json([
            ("error", Value::from(self.error)),
            ("error_description", self.description.into()),
        ]);
        let mut response = fields.respond(status);
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(
                WWW_AUTHENTICATE,
                HeaderValue::from_static("Basic realm=\"emulator\""),
            );
        }
        refused(response, self.error, self.dead)
    }
}
