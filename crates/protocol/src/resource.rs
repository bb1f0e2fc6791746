//! Responses of the API (the resource server), as far as they concern the token.

use std::time::Duration;

use http::{HeaderMap, StatusCode};

use crate::{challenge::parse_www_authenticate, client::Client, rate_limit};

/// What a response of the API says about the token that was sent.
///
/// No response of the API ends an account: only a refusal by the token endpoint does.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The token was not refused, even if the response is an error.
    Accepted,
    /// The token was refused: take a newer one.
    Rejected,
    /// Too many requests (RFC 6585 §4), or a 403 whose headers say that a rate limit is used up.
    /// The token is good, and a refresh does not help. A 401 is a rejection even with such headers:
    /// it is about the token (RFC 9110 §15.5.2), and one refresh settles it.
    RateLimited {
        /// How long to wait, if the response says so.
        retry_after: Option<Duration>,
    },
    /// The token is good and its scope too narrow (RFC 6750 §3.1): a refresh does not widen it, a
    /// login with these scopes does.
    InsufficientScope {
        /// The scopes that the request needs, if the response names them: at most 32, each of the
        /// form of RFC 6749 §3.3 and at most 256 bytes long.
        scopes: Vec<String>,
    },
}

pub(crate) fn read(client: &Client, status: StatusCode, headers: &HeaderMap) -> Verdict {
    let rules = &client.dialect().resource;
    if status.is_client_error()
        && let Some(scopes) = missing_scopes(headers)
    {
        return Verdict::InsufficientScope { scopes };
    }
    let limited = status == StatusCode::TOO_MANY_REQUESTS
        || (status == StatusCode::FORBIDDEN && rate_limit::is_used_up(&rules.rate_limit, headers));
    if limited {
        let limit = rate_limit::read(&rules.rate_limit, headers, None);
        return Verdict::RateLimited {
            retry_after: limit.retry_after,
        };
    }
    match rules.rejected.contains(&status.as_u16()) {
        true => Verdict::Rejected,
        false => Verdict::Accepted,
    }
}

/// Returns the scopes that a challenge with `insufficient_scope` names; `None` without one.
fn missing_scopes(headers: &HeaderMap) -> Option<Vec<String>> {
    const MOST: usize = 32;
    let challenges = parse_www_authenticate(headers);
    let narrow = challenges
        .iter()
        .find(|challenge| challenge.parameter("error") == Some("insufficient_scope"))?;
    let scope = narrow.parameter("scope").unwrap_or_default();
    let sane = |b: u8| b.is_ascii_graphic() && b != b'"' && b != b'\\';
    let scopes = scope
        .split_ascii_whitespace()
        .filter(|scope| scope.len() <= 256 && scope.bytes().all(sane));
    Some(scopes.take(MOST).map(str::to_owned).collect())
}
