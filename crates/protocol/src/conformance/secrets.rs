//! Rules: places that show no secret.

use super::{
    subject::{ACCESS, Subject, VERIFIER},
    violation::{Violation, ensure},
};
use crate::{access_token::AccessToken, dialect::ParameterPlace};

/// No URI of a request holds a secret: servers and proxies log URIs. A provider that takes its
/// parameters in the query, as its dialect must then say, leaves no choice.
pub fn no_secret_is_in_a_url(subject: &Subject) -> Result<(), Violation> {
    if subject.provider().client().dialect().token.placement == ParameterPlace::Query {
        return Ok(());
    }
    for request in subject.requests()? {
        let uri = request.uri().to_string();
        let seen = subject.secrets().iter().any(|secret| uri.contains(secret));
        ensure!(
            !seen,
            "a secret is in the URI of a {} request",
            request.method()
        );
    }
    Ok(())
}

/// A header with a secret is marked sensitive, so that neither `Debug` nor an HTTP/2 table keeps
/// it.
pub fn secrets_in_headers_are_marked_sensitive(subject: &Subject) -> Result<(), Violation> {
    for request in subject.requests()? {
        for (name, value) in request.headers() {
            let text = String::from_utf8_lossy(value.as_bytes());
            let secret = name == http::header::AUTHORIZATION
                || subject.secrets().iter().any(|secret| text.contains(secret));
            ensure!(
                !secret || value.is_sensitive(),
                "the header {name} holds a secret and is not marked"
            );
        }
    }
    Ok(())
}

/// The `Debug` of the provider and of an attachment shows no secret.
pub fn debug_shows_no_secret(subject: &Subject) -> Result<(), Violation> {
    let attachment = subject.provider().attach(&AccessToken::new(ACCESS), None)?;
    let shown = format!("{:?} {attachment:?}", subject.provider());
    let seen = subject
        .secrets()
        .iter()
        .any(|secret| shown.contains(secret));
    ensure!(!seen, "`Debug` shows a secret");
    Ok(())
}

/// An error that refuses a value does not show it.
pub fn an_error_shows_no_secret(subject: &Subject) -> Result<(), Violation> {
    // Characters that a header cannot carry, around a text to search for.
    let hazard = format!("\r\n{VERIFIER}\0");
    let errors = [
        subject.exchange(&hazard).err(),
        subject.refresh(&hazard).err(),
        subject
            .provider()
            .attach(&AccessToken::new(&*hazard), None)
            .err(),
    ];
    for error in errors.into_iter().flatten() {
        let shown = format!("{error} {error:?}");
        ensure!(
            !shown.contains(VERIFIER),
            "an error shows the value that it refuses"
        );
    }
    Ok(())
}
