//! Rules: responses to a revocation.

use bytes::Bytes;
use http::Response;

use super::{
    subject::{REFRESH, Subject, response},
    violation::{Violation, ensure},
};
use crate::revocation_response::RevocationOutcome;

/// A 2xx, with or without a body, means that the token is now invalid.
pub fn an_accepted_revocation_is_done(subject: &Subject) -> Result<(), Violation> {
    for (status, body) in [(200, ""), (200, "{}"), (204, "")] {
        let outcome = read(subject, response(status, body));
        ensure!(
            outcome == RevocationOutcome::Done,
            "a {status} with {body:?} is {outcome:?}"
        );
    }
    Ok(())
}

/// An error or a redirect that the dialect does not name leaves the token valid.
pub fn a_refused_revocation_is_not_done(subject: &Subject) -> Result<(), Violation> {
    for (status, code) in [
        (302, None),
        (400, Some("unsupported_token_type")),
        (401, Some("invalid_client")),
        (403, None),
        (404, None),
    ] {
        let rules = &subject.provider().client().dialect().revocation;
        let named = rules.iter().flat_map(|rules| &rules.done_when).any(|done| {
            done.status.is_none_or(|own| own == status)
                && done.error.as_deref().is_none_or(|own| code == Some(own))
                && done.text.is_none()
        });
        if named {
            continue;
        }
        let body = code.map(|code| format!("{{\"error\":\"{code}\"}}"));
        let outcome = read(subject, response(status, &body.unwrap_or_default()));
        ensure!(
            outcome != RevocationOutcome::Done,
            "a {status} with {code:?} is done"
        );
    }
    Ok(())
}

/// A rate limit or a server error decides nothing: the revocation is sent again later.
pub fn a_busy_endpoint_revokes_nothing(subject: &Subject) -> Result<(), Violation> {
    for status in [408, 429, 500, 502, 503, 504] {
        let outcome = read(subject, response(status, ""));
        ensure!(
            matches!(outcome, RevocationOutcome::Unavailable { .. }),
            "a {status} is {outcome:?}"
        );
    }
    Ok(())
}

/// A refused revocation shows no text of the response, which may quote the request.
pub fn a_refused_revocation_shows_no_text_of_the_response(
    subject: &Subject,
) -> Result<(), Violation> {
    let body = format!(
        r#"{{"error":"invalid_request","error_description":"of {REFRESH}","message":"{REFRESH}"}}"#
    );
    for status in [200, 400, 401, 500] {
        let shown = format!("{:?}", read(subject, response(status, &body)));
        ensure!(
            !shown.contains(REFRESH),
            "a refused revocation shows the text of the response"
        );
    }
    Ok(())
}

fn read(subject: &Subject, response: Response<Bytes>) -> RevocationOutcome {
    subject.provider().read_revocation_response(&response)
}
