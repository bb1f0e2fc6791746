//! The effect of each fault on a response.

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use super::fault::{Cut, Fault};
use crate::answer::{self, Fields, Format, Gzip};
use crate::page;

/// The size of [`Fault::Oversized`], in bytes.
const OVERSIZED: usize = 10 * 1024 * 1024;

/// Returns the response of a fault that replaces the provider's, or `None` for other faults.
pub(crate) fn instead(fault: &Fault, base: &str, now_epoch: u64) -> Option<Response<Body>> {
    let response = match fault {
        Fault::ServerError => answer::json(
            StatusCode::INTERNAL_SERVER_ERROR,
            &json!({"error": "server_error"}),
        ),
        Fault::HtmlServerError => answer::html(
            StatusCode::INTERNAL_SERVER_ERROR,
            page::error("Something went wrong (a fault of the emulator)."),
        ),
        Fault::HtmlBadRequest => answer::html(
            StatusCode::BAD_REQUEST,
            page::error("Bad request (a fault of the emulator)."),
        ),
        Fault::LoginRedirect => answer::redirect(&format!("{base}/login")),
        Fault::Redirect(to) => answer::redirect(to),
        Fault::TooManyRequests { retry_after } => {
            let mut response = answer::json(
                StatusCode::TOO_MANY_REQUESTS,
                &json!({"message": "Too Many Attempts."}),
            );
            let headers = response.headers_mut();
            headers.insert(RETRY_AFTER, HeaderValue::from(*retry_after));
            headers.insert("x-ratelimit-limit", HeaderValue::from(200));
            headers.insert("x-ratelimit-remaining", HeaderValue::from(0));
            headers.insert(
                "x-ratelimit-reset",
                HeaderValue::from(now_epoch + retry_after),
            );
            response
        }
        Fault::TooManyRequestsBare => answer::empty(StatusCode::TOO_MANY_REQUESTS),
        Fault::Unavailable { retry_after } => {
            let mut response = answer::empty(StatusCode::SERVICE_UNAVAILABLE);
            if let Some(seconds) = retry_after {
                response
                    .headers_mut()
                    .insert(RETRY_AFTER, HeaderValue::from(*seconds));
            }
            response
        }
        Fault::Answer(response) => response.clone().map(Body::from),
        _ => return None,
    };
    Some(response)
}

/// Damages the provider's response; the flag reports that its meaning is lost.
pub(crate) fn damage(
    fault: &Fault,
    head: &mut http::response::Parts,
    body: Bytes,
) -> (Bytes, bool) {
    let body = match fault {
        Fault::Truncated => body.slice(..body.len() / 2),
        Fault::Empty => Bytes::new(),
        Fault::Oversized => Bytes::from(format!("{{\"padding\":\"{}\"}}", "x".repeat(OVERSIZED))),
        Fault::ContentType(value) => {
            match HeaderValue::from_str(value) {
                Ok(value) => head.headers.insert(CONTENT_TYPE, value),
                Err(_) => head.headers.remove(CONTENT_TYPE),
            };
            body
        }
        Fault::InvalidUtf8 => {
            let mut bytes = body.to_vec();
            let at = bytes
                .iter()
                .position(|byte| *byte == b':')
                .map_or(0, |colon| colon + 2)
                .min(bytes.len());
            bytes.splice(at..at, [0xff, 0xfe, 0xc3, 0x28]);
            Bytes::from(bytes)
        }
        Fault::Field(name, value) => {
            return (
                change(head, body, |fields| fields.set(name, value.clone())),
                false,
            );
        }
        Fault::Without(name) => return (change(head, body, |fields| fields.remove(name)), false),
        Fault::Latin1 => {
            let name = Value::from("Ren\u{e9}");
            let body = change(head, body, |fields| fields.set("name", name));
            let text = String::from_utf8_lossy(&body);
            let latin1 = text.chars().map(|c| u8::try_from(c).unwrap_or(b'?'));
            return (latin1.collect(), false);
        }
        Fault::AnswerInstead(response) => {
            let (new, body) = response.clone().into_parts();
            head.status = new.status;
            head.headers = new.headers;
            head.extensions.remove::<Gzip>();
            body
        }
        _ => return (body, false),
    };
    head.headers.remove(CONTENT_LENGTH);
    (body, true)
}

/// Makes a body that fails after its first half, with the length of the whole.
pub(crate) fn cut_midway(mut head: http::response::Parts, body: Bytes) -> Response<Body> {
    head.headers
        .insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    let half = body.slice(..body.len() / 2);
    let parts = stream::unfold(Some(half), |half| async move {
        match half {
            Some(half) => Some((Ok(half), None)),
            None => {
                // Lets the first half be sent before the connection ends.
                tokio::task::yield_now().await;
                Some((Err(std::io::Error::other(Cut)), None))
            }
        }
    });
    Response::from_parts(head, Body::from_stream(parts))
}

fn change(
    head: &mut http::response::Parts,
    body: Bytes,
    change: impl FnOnce(&mut Fields),
) -> Bytes {
    let fields = head.extensions.remove::<Fields>().or_else(|| read(&body));
    let Some(mut fields) = fields else {
        return body;
    };
    change(&mut fields);
    head.headers.remove(CONTENT_LENGTH);
    Bytes::from(fields.render())
}

fn read(body: &[u8]) -> Option<Fields> {
    let object: serde_json::Map<String, Value> = serde_json::from_slice(body).ok()?;
    Some(Fields {
        list: object.into_iter().collect(),
        format: Format::Json,
    })
}
