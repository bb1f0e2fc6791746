//! Rules: a token on a request, and the API's response.

use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{AUTHORIZATION, WWW_AUTHENTICATE},
};

use super::{
    subject::{ACCESS, Subject},
    violation::{Violation, ensure},
};
use crate::{
    access_token::AccessToken, attachment::Attachment, dialect::AttachmentMethod, resource::Verdict,
};

/// The token is where the dialect says, and marked sensitive in a header.
pub fn a_token_is_attached_where_the_dialect_says(subject: &Subject) -> Result<(), Violation> {
    let attachment = subject.provider().attach(&AccessToken::new(ACCESS), None)?;
    let place = &subject.provider().client().dialect().attach;
    let right = match (place, attachment.token()) {
        (
            AttachmentMethod::Bearer | AttachmentMethod::Scheme(_),
            Attachment::Header { name, .. },
        ) => name == AUTHORIZATION,
        (AttachmentMethod::Header(wanted), Attachment::Header { name, .. }) => {
            name.as_str() == wanted.to_ascii_lowercase()
        }
        (AttachmentMethod::Query(wanted), Attachment::Query { name, .. }) => name == wanted,
        _ => false,
    };
    ensure!(
        right,
        "the dialect says {place:?}, and the token is in {attachment:?}"
    );
    if let Attachment::Header { name, value } = attachment.token() {
        ensure!(
            value.is_sensitive(),
            "the header {name} is not marked sensitive"
        );
    }
    Ok(())
}

/// A token that HTTP would cut, change or misread is refused before it is sent.
pub fn a_token_that_breaks_out_of_a_header_is_refused(subject: &Subject) -> Result<(), Violation> {
    for token in ["a\r\nx: y", "a\nb", "a\0b", " a", "a ", "tökén", ""] {
        let attached = subject.provider().attach(&AccessToken::new(token), None);
        ensure!(attached.is_err(), "the token {token:?} is attached");
    }
    Ok(())
}

/// A 429 never rejects the token, even with a challenge: a refresh would only add to the load.
pub fn a_rate_limit_is_never_a_rejection(subject: &Subject) -> Result<(), Violation> {
    let mut headers = HeaderMap::new();
    for _ in 0..2 {
        let verdict = subject
            .provider()
            .read_resource_response(StatusCode::TOO_MANY_REQUESTS, &headers);
        ensure!(
            matches!(verdict, Verdict::RateLimited { .. }),
            "a 429 is {verdict:?}"
        );
        let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
        headers.insert(WWW_AUTHENTICATE, challenge);
    }
    Ok(())
}

/// A success, a redirect and a server error reject no token.
pub fn a_server_error_rejects_no_token(subject: &Subject) -> Result<(), Violation> {
    for status in [
        200, 201, 204, 301, 302, 303, 304, 307, 404, 500, 502, 503, 504,
    ] {
        let code = StatusCode::from_u16(status).expect("the suite's statuses are valid");
        let verdict = subject
            .provider()
            .read_resource_response(code, &HeaderMap::new());
        ensure!(verdict == Verdict::Accepted, "a {status} is {verdict:?}");
    }
    Ok(())
}
