//! The redirect from the authorization page and its authorization response (RFC 6749 §4.1.2).

use std::{borrow::Cow, fmt};

use percent_encoding::percent_decode_str;

use crate::{
    client::Client,
    dialect::{ResponseMode, StateEcho},
    error_code::ErrorCode,
    secret::{AuthorizationCode, State},
};

/// The raw query or fragment of a redirect. `Debug` does not show it, because it holds the code.
#[derive(Clone, PartialEq, Eq)]
pub enum Redirect {
    /// The part after `?`.
    Query(String),
    /// The part after `#`, as a relay page posts it.
    Fragment(String),
}

impl Redirect {
    /// Takes the query, with or without its `?`.
    #[must_use]
    pub fn query(query: impl Into<String>) -> Self {
        Self::Query(query.into())
    }

    /// Takes the fragment, with or without its `#`.
    #[must_use]
    pub fn fragment(fragment: impl Into<String>) -> Self {
        Self::Fragment(fragment.into())
    }

    fn pairs(&self) -> Option<Vec<(String, String)>> {
        let (text, form) = match self {
            Self::Query(query) => (query.strip_prefix('?').unwrap_or(query), true),
            Self::Fragment(fragment) => (fragment.strip_prefix('#').unwrap_or(fragment), false),
        };
        let decode = |part: &str| -> Option<String> {
            let part = if form {
                Cow::Owned(part.replace('+', " "))
            } else {
                Cow::Borrowed(part)
            };
            Some(percent_decode_str(&part).decode_utf8().ok()?.into_owned())
        };
        text.split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                Some((decode(name)?, decode(value)?))
            })
            .collect()
    }
}

impl fmt::Debug for Redirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Query(_) => "Query([redacted])",
            Self::Fragment(_) => "Fragment([redacted])",
        })
    }
}

/// The values that a redirect must match.
#[derive(Clone, Copy, Debug)]
pub struct ExpectedRedirect<'a> {
    /// The state of the flow.
    pub state: &'a State,
}

/// The authorization response of a redirect that belongs to the flow.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthorizationResponse {
    /// The code to exchange for tokens.
    pub code: AuthorizationCode,
    /// Every other parameter, decoded, in order.
    pub extra: Vec<(String, String)>,
}

impl fmt::Debug for AuthorizationResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.extra.iter().map(|(name, _)| name).collect();
        f.debug_struct("AuthorizationResponse")
            .field("code", &self.code)
            .field("extra", &names)
            .finish()
    }
}

/// The error for a redirect without a usable code. None of its values goes to the token endpoint.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedirectError {
    /// The state is missing, empty, repeated or another flow's: the redirect may be forged.
    #[error("the redirect does not belong to this flow: start again")]
    StateMismatch,
    /// The user or the provider denied the authorization. A denial counts without a state: some
    /// providers omit it, and a denial is harmless.
    #[error("the authorization was denied ({error}): start again")]
    Denied {
        /// The provider's error code; `access_denied` if the user declined.
        error: ErrorCode,
    },
    /// The redirect has both a code and an error.
    #[error("the redirect holds both a code and an error: start again")]
    CodeAndError,
    /// The redirect has neither a code nor an error.
    #[error("the redirect holds no code: start again")]
    CodeMissing,
    /// The redirect repeats this parameter, which RFC 6749 §3.1 forbids.
    #[error("the redirect repeats `{0}`: start again")]
    Duplicate(&'static str),
    /// `iss` names another issuer (RFC 9207 §2.4): the code may belong to another server.
    #[error("the redirect names another issuer than the dialect: start again")]
    WrongIssuer,
    /// The redirect has a fragment and the dialect's response mode is the query, or the reverse.
    #[error("the response is in the {0} of the redirect: correct the dialect's response mode")]
    WrongResponseMode(&'static str),
    /// The percent-encoding does not decode to UTF-8.
    #[error("the redirect cannot be decoded: start again")]
    Malformed,
}

pub(crate) fn read(
    client: &Client,
    redirect: &Redirect,
    expected: &ExpectedRedirect<'_>,
) -> Result<AuthorizationResponse, RedirectError> {
    let rules = &client.dialect().authorization;
    match (redirect, rules.response_mode) {
        (Redirect::Query(_), ResponseMode::Query)
        | (Redirect::Fragment(_), ResponseMode::Fragment) => {}
        (Redirect::Query(_), _) => return Err(RedirectError::WrongResponseMode("query")),
        (Redirect::Fragment(_), _) => return Err(RedirectError::WrongResponseMode("fragment")),
    }
    let pairs = Pairs(redirect.pairs().ok_or(RedirectError::Malformed)?);

    let carried = rules.state.in_redirect_uri();
    let carried = carried
        .map(|name| pairs.one(name).ok_or(RedirectError::StateMismatch))
        .transpose()?;
    let state = pairs.one("state").ok_or(RedirectError::StateMismatch)?;
    let code = pairs.one("code").ok_or(RedirectError::Duplicate("code"))?;
    let error = pairs
        .one("error")
        .ok_or(RedirectError::Duplicate("error"))?;
    let wanted = rules.issuer.as_deref();
    if let Some(wanted) = wanted {
        let given = pairs.one("iss").ok_or(RedirectError::Duplicate("iss"))?;
        if given.is_some_and(|given| given != wanted) {
            return Err(RedirectError::WrongIssuer);
        }
    }
    // An empty parameter counts as absent (RFC 6749 §3.1).
    let [carried, state, code, error] =
        [carried.flatten(), state, code, error].map(|value| value.filter(|v| !v.is_empty()));
    let is_ours = |given: &str| State::new(given) == *expected.state;

    if code.is_some() && error.is_some() {
        return Err(RedirectError::CodeAndError);
    }
    let echo = if rules.state.is_parameter() {
        rules.state_echo
    } else {
        StateEcho::Never
    };
    let wrong = |given: Option<&str>| given.is_some_and(|given| !is_ours(given));
    if wrong(carried) || (echo != StateEcho::Never && wrong(state)) {
        return Err(RedirectError::StateMismatch);
    }
    if let Some(error) = error {
        return Err(RedirectError::Denied {
            error: ErrorCode::new(error),
        });
    }
    let carried_missing = rules.state.in_redirect_uri().is_some() && carried.is_none();
    let state_missing = carried.is_none() && echo == StateEcho::Always && state.is_none();
    if carried_missing || state_missing {
        return Err(RedirectError::StateMismatch);
    }
    let code = AuthorizationCode::new(code.ok_or(RedirectError::CodeMissing)?);
    let own = [
        "code",
        "state",
        rules.state.in_redirect_uri().unwrap_or("state"),
    ];
    let is_own = |name: &str| own.contains(&name) || (wanted.is_some() && name == "iss");
    let extra = pairs
        .0
        .into_iter()
        .filter(|(name, _)| !is_own(name))
        .collect();
    Ok(AuthorizationResponse { code, extra })
}

/// The decoded parameters of a redirect, in order.
struct Pairs(Vec<(String, String)>);

impl Pairs {
    /// Returns the value under `name`; the outer `None` means that there are several.
    #[expect(
        clippy::option_option,
        reason = "absent and repeated are different results"
    )]
    fn one(&self, name: &str) -> Option<Option<&str>> {
        let mut values = self
            .0
            .iter()
            .filter(|(own, _)| own == name)
            .map(|(_, v)| v.as_str());
        let first = values.next();
        values.next().is_none().then_some(first)
    }
}
