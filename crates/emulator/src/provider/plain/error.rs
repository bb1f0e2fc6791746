//! How refusals are written (RFC 6749 §5.2).

use axum::body::Body;
use http::header::WWW_AUTHENTICATE;
use http::{HeaderValue, Response, StatusCode};

use crate::provider::refusal::Refusal;

/// Responds with the refusal's own status, or with 200.
pub(super) fn respond(refusal: Refusal, in_200: bool) -> Response<Body> {
    refusal.respond("error_description", |status, fields| {
        let status = if in_200 { StatusCode::OK } else { status };
        let mut response = fields.respond(status);
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Basic realm=\"emulator\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response
    })
}
