//! The reasons why a redirect brings no code.

use std::fmt;

use crate::error_code::ErrorCode;

/// The error for a redirect without a usable code. None of its values goes to the token endpoint.
///
/// Only [`Denied`](Self::Denied) ends a login. Any other redirect may be forged, and the login can
/// still be finished with the right one.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedirectError {
    /// The state is missing, empty, repeated or another flow's: the redirect may be forged.
    #[error("the redirect does not belong to this flow: start again")]
    StateMismatch,
    /// The user or the provider denied the authorization, and the state is this flow's.
    #[error("the authorization was denied ({error}): start again")]
    Denied {
        /// The provider's error code; `access_denied` if the user declined.
        error: ErrorCode,
        /// The provider's text for the person.
        description: Option<ErrorDescription>,
    },
    /// A denial without a state, from a provider that may omit it.
    ///
    /// It is reported but does not end the flow, because anyone may have sent it.
    #[error("the authorization was denied ({error}), by a redirect without state: start again")]
    DeniedWithoutState {
        /// The provider's error code; `access_denied` if the user declined.
        error: ErrorCode,
    },
    /// The redirect has no state, and earlier ones of the same site had theirs: it may be forged.
    ///
    /// For providers whose [`StateEcho`](crate::StateEcho) is unknown.
    #[error("the redirect holds no state, which its site returns otherwise: start again")]
    StateMissing,
    /// The redirect has both a code and an error.
    #[error("the redirect holds both a code and an error: start again")]
    CodeAndError,
    /// The redirect has neither a code nor an error.
    #[error("the redirect holds no code: start again")]
    CodeMissing,
    /// The redirect repeats the parameter with this standard name (`code`, `error` or `iss`), which
    /// RFC 6749 §3.1 forbids.
    #[error("the redirect repeats `{0}`: start again")]
    Duplicate(&'static str),
    /// `iss` names another issuer (RFC 9207 §2.4): the code may belong to another server.
    #[error("the redirect names another issuer than the dialect: start again")]
    WrongIssuer,
    /// The dialect has an issuer, and the redirect names none (RFC 9207 §2.4).
    #[error(
        "the redirect names no issuer: start again, or remove `authorization.issuer` from the \
         dialect if the provider never sends `iss`"
    )]
    IssuerMissing,
    /// The response is in another part of the redirect than the dialect's response mode says.
    #[error("the response is in the {0} of the redirect: correct the dialect's response mode")]
    WrongResponseMode(&'static str),
    /// The scheme, host, port or path of the URL is not that of the redirect URI (RFC 9700 §4.4).
    #[error("the URL is not the redirect URI: copy the address to which the provider redirects")]
    WrongUrl,
    /// The text is not one absolute URL.
    #[error("the text is not a URL: copy the whole address, with its scheme")]
    NotUrl,
    /// The redirect is longer than 64 KiB.
    #[error("the redirect is longer than 64 KiB: start again")]
    TooLarge,
    /// The code, the error code or the issuer does not decode to UTF-8.
    #[error("the redirect cannot be decoded: start again")]
    Malformed,
}

/// A provider's text about a denial, for the person and not for logs.
///
/// It is printable ASCII without quotes and backslash (RFC 6749 §4.1.2.1), at most 200 characters.
/// It may hold `<` and `&`: escape it in HTML. `Debug` does not show it, because a provider may
/// name the person in it.
#[derive(Clone, PartialEq, Eq)]
pub struct ErrorDescription(String);

impl ErrorDescription {
    /// Takes the text with every other character replaced by a space, and cut to its limit; `None`
    /// if nothing is left.
    pub(crate) fn of_redirect(text: &str) -> Option<Self> {
        let sane = |c: char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\');
        let text: String = text
            .chars()
            .take(MAX_DESCRIPTION)
            .map(|c| if sane(c) { c } else { ' ' })
            .collect();
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ErrorDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ErrorDescription([not shown])")
    }
}

const MAX_DESCRIPTION: usize = 200;
