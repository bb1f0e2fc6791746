//! Responses to revocation requests (RFC 7009 §2.2).

use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};

use crate::{
    body,
    classification::{self, ErrorResponse},
    client::Client,
    dialect::ClassName,
    error_code::ErrorCode,
    rate_limit,
};

/// The outcome of a revocation request.
///
/// | response | outcome |
/// |---|---|
/// | 2xx; those in the dialect's [`done_when`](crate::RevocationRules::done_when) | done |
/// | 408, 429, 5xx; an error that a rule of the dialect calls transient or ambiguous | unavailable |
/// | any other: 3xx, 4xx; a 2xx whose `error` is set | refused |
///
/// It keeps nothing of the body but a listed error code.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevocationOutcome {
    /// The token is now invalid. RFC 7009 §2.2: so is a token that the server does not know.
    Done,
    /// The server refused the request. The token may still be valid.
    Refused {
        /// The status of the response.
        status: StatusCode,
        /// The error code of the response, if it has one.
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
    let unavailable = || {
        let names = &dialect.resource.rate_limit;
        RevocationOutcome::Unavailable {
            retry_after: rate_limit::read(names, response.headers(), None).retry_after,
        }
    };
    if matches!(status.as_u16(), 408 | 429 | 500..=599) {
        return unavailable();
    }
    let object = body::object(dialect, response);
    if status.is_success()
        && !object
            .as_ref()
            .is_some_and(|o| classification::refuses(dialect, o))
    {
        return RevocationOutcome::Done;
    }
    let answer = ErrorResponse::read(dialect, None, response, object.as_ref());
    let mut done_when = dialect.revocation.iter().flat_map(|rules| &rules.done_when);
    if done_when.any(|done| done.fits(&answer)) {
        return RevocationOutcome::Done;
    }
    let class = answer.rule(dialect).map(|rule| rule.class);
    if let Some(ClassName::Transient | ClassName::Ambiguous) = class {
        return unavailable();
    }
    RevocationOutcome::Refused {
        status,
        code: answer.code.map(|code| ErrorCode::read(dialect, &code)),
    }
}
