//! Why there is no device authorization.

use std::{fmt, time::Duration};

use http::StatusCode;

use crate::error_code::ErrorCode;

/// The error for a device authorization response without usable codes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceAuthorizationError {
    /// The server refused the request.
    #[error(
        "the device authorization was refused ({}): check the client id, whether the provider \
         allows this client to log in by device code, and the scope",
        shown(*.status, .code)
    )]
    Refused {
        /// The status of the response.
        status: StatusCode,
        /// The error code of the response, if it has one.
        code: Option<ErrorCode>,
    },
    /// The server is busy or down: ask again later.
    #[error("the device authorization endpoint is unavailable: ask again later")]
    Unavailable {
        /// How long to wait, if the response says so.
        retry_after: Option<Duration>,
    },
    /// A 2xx that cannot be used.
    #[error("the device authorization response ({status}) cannot be used: {problem}")]
    Unusable {
        /// The status of the response.
        status: StatusCode,
        /// The reason.
        problem: DeviceAuthorizationProblem,
    },
}

/// The reason why a device authorization response cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeviceAuthorizationProblem {
    /// It is no JSON object.
    NoObject,
    /// The device code is missing, no clean string, or longer than 8 KiB.
    DeviceCode,
    /// The user code is missing, or cannot be shown: it is not 1 to 64 printable characters of
    /// ASCII.
    UserCode,
    /// The verification URI is missing, or is not https (http on loopback) without user info.
    VerificationUri,
    /// The lifetime is missing or no positive number.
    Lifetime,
}

impl fmt::Display for DeviceAuthorizationProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoObject => "it is no JSON object; is the endpoint right?",
            Self::DeviceCode => "its device code is missing or malformed",
            Self::UserCode => "its user code is missing, or cannot be shown to a person",
            Self::VerificationUri => "its verification URI is missing, or is no https URL",
            Self::Lifetime => "its lifetime is missing or malformed",
        })
    }
}

fn shown(status: StatusCode, code: &Option<ErrorCode>) -> String {
    match code {
        Some(code) => format!("{status}, {code}"),
        None => status.to_string(),
    }
}
