//! Responses to revocation requests (RFC 7009 §2.2).

use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};

use crate::{classification, client::Client, rate_limit, refusal::ErrorCode};

/// The outcome of a revocation request.
///
/// | response | outcome |
/// |---|---|
/// | 2xx; those in the dialect's [`done_when`](crate::RevocationRules::done_when) | done |
/// | 408, 429, 5xx | unavailable |
/// | any other: 3xx, 4xx; a 2xx with an error, if the dialect has errors inside a 2xx | refused |
///
/// It keeps only a sanitised error code of the body.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevocationOutcome {
    /// The token is now invalid. RFC 7009 §2.2: so is a token that the server does not know.
    Done,
    /// The server refused the request. The token may still be valid.
    Refused {
        /// The status of the response.
        status: StatusCode,
        /// The error code of the response, if it has a valid one.
        code: Option<ErrorCode>,
    },
    /// The server did not decide. The token may still be valid: send the request again later.
    Unavailable {
        /// How long to wait, if the response says so.
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
    let fields = classification::fields(dialect, response.body());
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
