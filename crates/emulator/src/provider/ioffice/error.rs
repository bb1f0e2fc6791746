//! How refusals are written: `{"error", "errorDescription"}`.

use axum::body::Body;
use http::Response;

use super::options::IOfficeOptions;
use crate::provider::refusal::Refusal;

pub(super) fn respond(refusal: Refusal, options: &IOfficeOptions) -> Response<Body> {
    let description = if options.snake_case_errors {
        "error_description"
    } else {
        "errorDescription"
    };
    refusal.respond(description, |status, fields| fields.respond(status))
}

/// The refusal of an unknown client, which is all that iOFFICE checks.
pub(super) fn unknown_client() -> Refusal {
    Refusal::new("invalid_client", "the client is unknown")
}
