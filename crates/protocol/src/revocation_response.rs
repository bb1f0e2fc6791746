//! The answer to a revocation request.

use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};

use crate::{
    classification::{self, MAX_TOKEN_RESPONSE},
    client::Client,
    json, rate_limit,
    refusal::ErrorCode,
};

/// What became of a revocation.
///
/// | answer | outcome |
/// |---|---|
/// | 2xx; what the dialect's [`done_when`](crate::RevocationRules::done_when) names | done |
/// | 408, 429, 5xx | unavailable |
/// | any other: 3xx, 4xx; a 2xx with an error, where the dialect's errors come inside a 2xx | refused |
///
/// It holds nothing of the body but a sanitised error code.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevocationOutcome {
    /// The token is invalid from now on. RFC 7009 §2.2: so is one that the server did not know.
    Done,
    /// The server refused the request. The token may still be valid.
    Refused {
        /// The answer's status.
        status: StatusCode,
        /// The answer's error code, if it has a sane one.
        code: Option<ErrorCode>,
    },
    /// The server decided nothing. The token may still be valid: send the request again later.
    Unavailable {
        /// How long to wait, if the server says so.
        retry_after: Option<Duration>,
    },
}

pub(crate) fn read(client: &Client, response: &Response<Bytes>) -> RevocationOutcome {
    let (dialect, status) = (client.dialect(), response.status());
    if matches!(status.as_u16(), 408 | 429 | 500..=599) {
        let names = &dialect.resource.rate_limit;
        return RevocationOutcome::Unavailable {
            retry_after: rate_limit::read(names, response.headers(), None).retry_after,
        };
    }
    if status.is_success() && !dialect.errors.in_success {
        return RevocationOutcome::Done;
    }
    let body = response.body();
    let fields = (body.len() <= MAX_TOKEN_RESPONSE)
        .then(|| json::object(body, dialect.response.json))
        .flatten()
        .unwrap_or_default();
    let code = classification::code(dialect, &fields);
    let named = dialect
        .revocation
        .iter()
        .flat_map(|rules| &rules.done_when)
        .any(|answer| answer.fits(status, code));
    if named || (status.is_success() && code.is_none()) {
        return RevocationOutcome::Done;
    }
    RevocationOutcome::Refused {
        status,
        code: code.and_then(ErrorCode::new),
    }
}
