//! How the token endpoint writes refusals, of which the documents say nothing.

use axum::body::Body;
use http::{Response, StatusCode};

use super::options::ErrorFormat;
use crate::answer::{Format, html};
use crate::page;
use crate::provider::refusal::Refusal;

pub(super) fn respond(refusal: Refusal, format: ErrorFormat) -> Response<Body> {
    refusal.respond("error_description", |status, mut fields| match format {
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
    })
}
