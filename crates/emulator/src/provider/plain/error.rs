//! How refusals are written (RFC 6749 §5.2).

use axum::body::Body;
use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use super::Plain;
use super::token::format;
use crate::answer::{self, Fields, Gzip, refused};
use crate::provider::Context;
use crate::provider::refusal::Refusal;

/// Responds as the RFCs say.
pub(super) fn respond(refusal: Refusal) -> Response<Body> {
    refusal.respond("error_description", |status, fields| {
        challenged(fields.respond(status))
    })
}

/// Responds as the options say.
pub(super) fn respond_to_token(
    cx: &Context<Plain>,
    headers: &HeaderMap,
    refusal: &Refusal,
) -> Response<Body> {
    let options = &cx.provider.options.errors;
    let status = options.status(refusal.error(), refusal.status());
    let mut response = if options.empty {
        answer::empty(status)
    } else {
        let mut fields = Fields::empty(format(cx, headers));
        for (path, value) in &options.members {
            fields.set(path, value.clone());
        }
        fields.set(&options.at, options.code(refusal.error()));
        let text = options.text(refusal.error(), refusal.description());
        fields.set(&options.text_at, text.into());
        fields.respond(status)
    };
    if cx.provider.options.answers.gzip {
        response.extensions_mut().insert(Gzip);
    }
    refused(challenged(response), refusal.error(), refusal.is_dead())
}

fn challenged(mut response: Response<Body>) -> Response<Body> {
    if response.status() == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Basic realm=\"emulator\"");
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}
