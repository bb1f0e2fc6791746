//! Refusals of the token endpoint. The documents name none.

use axum::body::Body;
use http::{Response, StatusCode};
use serde_json::Value;

use super::options::ErrorFormat;
use crate::answer::{Fields, Format, html, refused};
use crate::page;

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

    pub(super) fn missing(name: &str) -> Self {
        Self::request(format!("{name} is missing"))
    }

    pub(super) fn client() -> Self {
        Self::new("invalid_client", "client authentication failed")
    }

    pub(super) fn code(description: &str) -> Self {
        Self::new("invalid_grant", description)
    }

    pub(super) fn refresh_token(description: &str) -> Self {
        Self {
            dead: true,
            ..Self::new("invalid_grant", description)
        }
    }

    pub(super) fn respond(self, format: ErrorFormat) -> Response<Body> {
        let status = if self.error == "invalid_client" {
            StatusCode::UNAUTHORIZED
        } else {
            StatusCode::BAD_REQUEST
        };
        let mut fields = Fields::json([
            ("error", Value::from(self.error)),
            ("error_description", self.description.into()),
        ]);
        let response = match format {
            ErrorFormat::Json => fields.respond(status),
            ErrorFormat::Unquoted => {
                fields.format = Format::Loose;
                fields.respond(status)
            }
            ErrorFormat::Html400 => html(StatusCode::BAD_REQUEST, page::error("Bad request.")),
            ErrorFormat::Html500 => html(
                StatusCode::INTERNAL_SERVER_ERROR,
                page::error("An error has occurred."),
            ),
        };
        refused(response, self.error, self.dead)
    }
}
