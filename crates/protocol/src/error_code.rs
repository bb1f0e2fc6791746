//! Error codes that are safe to show.

use std::{borrow::Cow, fmt};

use crate::dialect::Dialect;

/// An error code of a response or a redirect, in a form that is safe to log.
///
/// A server may echo a secret where a code belongs. So only codes that are registered for OAuth, or
/// that the provider's dialect names in [`errors.map`](crate::ErrorRules::map), keep their text;
/// any other is "an unlisted error code".
///
/// ```
/// use tokenkeeper_protocol::ErrorCode;
///
/// assert_eq!(ErrorCode::new("invalid_grant").to_string(), "invalid_grant");
/// assert_eq!(ErrorCode::new("your token is rt-1").to_string(), "an unlisted error code");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ErrorCode(Option<Cow<'static, str>>);

impl ErrorCode {
    /// Makes a code that is shown if it is registered.
    #[must_use]
    pub fn new(code: &str) -> Self {
        let registered = REGISTERED.iter().find(|registered| **registered == code);
        Self(registered.map(|code| Cow::Borrowed(*code)))
    }

    /// Makes a code that the provider documents, for an adapter that reads responses itself.
    #[must_use]
    pub fn from_static(code: &'static str) -> Self {
        Self(Some(Cow::Borrowed(code)))
    }

    /// Makes a code that is shown if it is registered or `dialect` names it.
    pub(crate) fn read(dialect: &Dialect, code: &str) -> Self {
        let rules = dialect.errors.map.iter();
        let done_when = dialect.revocation.iter().flat_map(|rules| &rules.done_when);
        let named = rules
            .map(|rule| &rule.error)
            .chain(done_when.map(|response| &response.error))
            .any(|named| named.as_deref() == Some(code));
        match named {
            true => Self(Some(Cow::Owned(code.to_owned()))),
            false => Self::new(code),
        }
    }

    /// Returns the code; `None` if it is an unlisted one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str().unwrap_or("an unlisted error code"))
    }
}

/// The codes that IANA's registry "OAuth Extensions Error Registry" and its RFCs define.
const REGISTERED: &[&str] = &[
    // RFC 6749 §4.1.2.1, §5.2.
    "access_denied",
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "server_error",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_grant_type",
    "unsupported_response_type",
    // RFC 6750 §3.1.
    "insufficient_scope",
    "invalid_token",
    // RFC 7009 §2.2.1.
    "unsupported_token_type",
    // RFC 7591 §3.2.2.
    "invalid_client_metadata",
    "invalid_redirect_uri",
    "invalid_software_statement",
    "unapproved_software_statement",
    // RFC 8628 §3.5.
    "authorization_pending",
    "expired_token",
    "slow_down",
    // RFC 8707 §2.
    "invalid_target",
    // RFC 9101 §7, OpenID Connect Core §3.1.2.6.
    "account_selection_required",
    "consent_required",
    "interaction_required",
    "invalid_request_object",
    "invalid_request_uri",
    "login_required",
    "registration_not_supported",
    "request_not_supported",
    "request_uri_not_supported",
    // RFC 9396 §5.
    "invalid_authorization_details",
    // RFC 9449 §5, §8.
    "invalid_dpop_proof",
    "use_dpop_nonce",
    // RFC 9470 §3.
    "insufficient_user_authentication",
    // OpenID Connect Core: unmet authentication requirements.
    "unmet_authentication_requirements",
];
