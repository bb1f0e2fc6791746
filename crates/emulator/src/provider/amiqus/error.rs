//! The errors of the token endpoint, which depend on the framework's generation.

use axum::body::Body;
use http::{Response, StatusCode};
use serde_json::Value;

use super::options::Generation;
use crate::answer::{Fields, refused};

const INVALID_REQUEST: &str = "The request is missing a required parameter, includes an invalid \
    parameter value, includes a parameter more than once, or is otherwise malformed.";
const INVALID_GRANT: &str = "The provided authorization grant (e.g., authorization code, resource \
    owner credentials) or refresh token is invalid, expired, revoked, does not match the \
    redirection URI used in the authorization request, or was issued to another client.";

/// A refusal of Amiqus.
pub(super) enum Refusal {
    /// A parameter is missing or wrong.
    Request {
        hint: String,
    },
    UnsupportedGrantType,
    Client,
    RedirectUri,
    Code {
        hint: &'static str,
    },
    Verifier,
    RefreshToken {
        hint: &'static str,
    },
}

impl Refusal {
    /// A parameter is missing or wrong.
    pub(super) fn parameter(name: &str) -> Self {
        Self::Request {
            hint: format!("Check the `{name}` parameter"),
        }
    }

    pub(super) fn respond(&self, generation: Generation) -> Response<Body> {
        use Generation::{Eight, Nine};
        let (status, error, description, hint) = match (self, generation) {
            (Self::Request { hint }, _) => {
                (400, "invalid_request", INVALID_REQUEST, Some(hint.as_str()))
            }
            (Self::UnsupportedGrantType, _) => (
                400,
                "unsupported_grant_type",
                "The authorization grant type is not supported by the authorization server.",
                Some("Check that all required parameters have been provided"),
            ),
            (Self::Client, _) => (401, "invalid_client", "Client authentication failed", None),
            (Self::RedirectUri, _) => (
                400,
                "invalid_request",
                INVALID_REQUEST,
                Some("Invalid redirect URI"),
            ),
            (Self::Code { hint }, Eight) => (400, "invalid_request", INVALID_REQUEST, Some(*hint)),
            (Self::Code { hint }, Nine) => (400, "invalid_grant", INVALID_GRANT, Some(*hint)),
            (Self::Verifier, _) => (
                400,
                "invalid_grant",
                INVALID_GRANT,
                Some("Failed to verify `code_verifier`."),
            ),
            (Self::RefreshToken { hint }, Eight) => (
                401,
                "invalid_request",
                "The refresh token is invalid.",
                Some(*hint),
            ),
            (Self::RefreshToken { hint }, Nine) => (
                400,
                "invalid_grant",
                "The refresh token is invalid.",
                Some(*hint),
            ),
        };
        let mut fields = vec![
            ("error", Value::from(error)),
            ("error_description", description.into()),
        ];
        fields.extend(hint.map(|hint| ("hint", hint.into())));
        if generation == Eight {
            fields.push(("message", description.into()));
        }
        let status = StatusCode::from_u16(status).expect("a valid constant");
        let response = Fields::json(fields).respond(status);
        refused(response, error, matches!(self, Self::RefreshToken { .. }))
    }
}
