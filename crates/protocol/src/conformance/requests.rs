//! Rules: requests to the provider.

use http::{Request, header::CONTENT_LENGTH};

use super::{
    subject::{ACCESS, CODE, REFRESH, Subject, holds},
    violation::{Violation, ensure},
};
use crate::{origin::Origin, request_body::RequestBody};

/// Every request has a safe absolute URI and states the length of its body.
///
/// A safe URI is https, or http on loopback, without user info.
pub fn every_request_is_absolute_and_safe(subject: &Subject) -> Result<(), Violation> {
    for request in subject.requests()? {
        let uri = request.uri();
        ensure!(Origin::of(uri).is_some(), "a request goes to {uri}");
        let length = request.headers().get(CONTENT_LENGTH);
        let said = length.and_then(|value| value.to_str().ok()?.parse().ok());
        let right =
            said == Some(request.body().len()) || (said.is_none() && request.body().is_empty());
        ensure!(
            right,
            "a body of {} bytes has the length {length:?}",
            request.body().len()
        );
    }
    Ok(())
}

/// A code exchange presents the code.
pub fn an_exchange_presents_the_code(subject: &Subject) -> Result<(), Violation> {
    let request = subject.exchange(CODE)?;
    ensure!(holds(&request, CODE), "a code exchange without the code");
    Ok(())
}

/// A refresh presents the refresh token under its own grant type, and no code.
pub fn a_refresh_presents_the_refresh_token_and_no_code(
    subject: &Subject,
) -> Result<(), Violation> {
    let request = subject.refresh(REFRESH)?;
    ensure!(
        holds(&request, REFRESH),
        "a refresh without the refresh token"
    );
    ensure!(
        !holds(&request, "authorization_code"),
        "a refresh with the grant type of a code exchange"
    );
    Ok(())
}

/// A revocation carries the one token that it revokes.
pub fn a_revocation_carries_one_token(subject: &Subject) -> Result<(), Violation> {
    for request in subject.revocations()? {
        let (access, refresh) = (holds(&request, ACCESS), holds(&request, REFRESH));
        ensure!(
            access != refresh,
            "a revocation with both tokens, or with none"
        );
    }
    Ok(())
}

/// A code, a device code or a refresh token with special characters is escaped or refused: a
/// provider may issue any.
pub fn a_value_cannot_break_out_of_its_place(subject: &Subject) -> Result<(), Violation> {
    for hazard in [
        "x\r\nx-injected: y",
        "x&injected=y",
        "x\",\"injected\":\"y",
        "x\0y",
    ] {
        let sent = [subject.exchange(hazard), subject.refresh(hazard)];
        let polls = subject.device(hazard).into_iter().flatten();
        for request in sent.into_iter().flatten().chain(polls) {
            let in_header = request.headers().contains_key("x-injected");
            // JSON has no use for `&`: there a raw one is in its place.
            let is_json = request.body().starts_with(b"{");
            let raw = !(is_json && hazard.contains('&')) && body_holds(&request, hazard);
            ensure!(!in_header && !raw, "{hazard:?} is sent unescaped");
        }
    }
    Ok(())
}

fn body_holds(request: &Request<RequestBody>, text: &str) -> bool {
    let mut parts = request.body().windows(text.len());
    parts.any(|part| part == text.as_bytes())
}
