//! Responses of the API (the resource server), as far as they concern the token.

use std::time::Duration;

use http::{HeaderMap, StatusCode};

use crate::{challenge::parse_www_authenticate, client::Client, rate_limit};

/// What a response of the API says about the token that was sent.
///
/// No response of the API ends an account: only a refusal by the token endpoint does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The token was not refused, even if the response is an error.
    Accepted,
    /// The token was refused: take a newer one.
    Rejected,
    /// Too many requests (RFC 6585 §4): the token is good, and a refresh does not help.
    RateLimited {
        /// How long to wait, if the response says so.
        retry_after: Option<Duration>,
    },
}

pub(crate) fn read(client: &Client, status: StatusCode, headers: &HeaderMap) -> Verdict {
    let rules = &client.dialect().resource;
    if status == StatusCode::TOO_MANY_REQUESTS {
        let limit = rate_limit::read(&rules.rate_limit, headers, None);
        return Verdict::RateLimited {
            retry_after: limit.retry_after,
        };
    }
    // RFC 6750 §3.1: the token is good and its scope too narrow, which a refresh does not widen.
    if rules.rejected.contains(&status.as_u16()) && !insufficient_scope(headers) {
        return Verdict::Rejected;
    }
    Verdict::Accepted
}

fn insufficient_scope(headers: &HeaderMap) -> bool {
    parse_www_authenticate(headers).iter().any(|challenge| {
        challenge.scheme.eq_ignore_ascii_case("bearer")
            && challenge.parameter("error") == Some("insufficient_scope")
    })
}
