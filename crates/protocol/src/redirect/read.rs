//! The checks of a redirect, and the code of one that passes them.

use super::{
    AuthorizationResponse, ExpectedRedirect, MAX_REDIRECT, Redirect,
    error::{ErrorDescription, RedirectError},
    pairs::{Encoding, Pairs},
};
use crate::{
    client::Client,
    dialect::{AuthorizationRules, ResponseMode, StateEcho},
    error_code::ErrorCode,
    secret::{AuthorizationCode, State},
};

pub(crate) fn read(
    client: &Client,
    redirect: &Redirect,
    expected: &ExpectedRedirect<'_>,
) -> Result<AuthorizationResponse, RedirectError> {
    let rules = &client.dialect().authorization;
    let names = Names::of(rules);
    let pairs = response(client, redirect, &names)?;

    check_issuer(rules, &pairs)?;
    let code = pairs.one_clean(names.code, RedirectError::Duplicate("code"))?;
    let error = pairs.one_clean(names.error, RedirectError::Duplicate("error"))?;
    if code.is_some() && error.is_some() {
        return Err(RedirectError::CodeAndError);
    }
    let binding = Binding::find(rules, &names, &pairs, expected.state)?;
    if let Some(error) = error {
        let error = ErrorCode::read(client.dialect(), error);
        return Err(binding.denial(error, &pairs));
    }
    if !binding.allows_code {
        return Err(RedirectError::StateMismatch);
    }
    let code = AuthorizationCode::new(code.ok_or(RedirectError::CodeMissing)?);
    let is_own = |name: &str| {
        [names.code, names.state, names.error].contains(&name)
            || names.carried == Some(name)
            || (rules.issuer.is_some() && name == "iss")
    };
    let extra = pairs.into_pairs().filter(|(name, _)| !is_own(name));
    Ok(AuthorizationResponse {
        code,
        state_returned: binding.proven,
        extra: extra.collect(),
    })
}

/// Finds the part of the redirect that has the response, and decodes it.
fn response(
    client: &Client,
    redirect: &Redirect,
    names: &Names<'_>,
) -> Result<Pairs, RedirectError> {
    use ResponseMode::{FormPost, Fragment, Query};
    let wrong = |part| Err(RedirectError::WrongResponseMode(part));
    match (redirect, client.dialect().authorization.response_mode) {
        (Redirect::Query(query), Query) => decode(without_fragment(query), Encoding::Form),
        (Redirect::Fragment(fragment), Fragment) => {
            decode(within_fragment(fragment), Encoding::Percent)
        }
        (Redirect::FormPost(body), FormPost) => decode(body, Encoding::Form),
        (Redirect::Query(_), _) => wrong("query"),
        (Redirect::Fragment(_), _) => wrong("fragment"),
        (Redirect::FormPost(_), _) => wrong("body"),
        (Redirect::Url(url), mode) => {
            client.check_redirected_to(url)?;
            let query = decode(url.query().unwrap_or_default(), Encoding::Form);
            let fragment = within_fragment(url.fragment().unwrap_or_default());
            let fragment = decode(fragment, Encoding::Percent);
            match mode {
                Query if names.answered(&fragment) && !names.answered(&query) => wrong("fragment"),
                Query => query,
                Fragment if names.answered(&query) && !names.answered(&fragment) => wrong("query"),
                Fragment => fragment,
                FormPost => wrong("URL"),
            }
        }
    }
}

fn decode(text: &str, encoding: Encoding) -> Result<Pairs, RedirectError> {
    if text.len() > MAX_REDIRECT {
        return Err(RedirectError::TooLarge);
    }
    Ok(Pairs::decode(text, encoding))
}

/// Removes the `?`, and a fragment such as the `#_=_` that some providers add.
fn without_fragment(query: &str) -> &str {
    let query = query.strip_prefix('?').unwrap_or(query);
    query.split('#').next().unwrap_or_default()
}

/// Removes the `#`, and a mark such as `#_=_` behind the response or in its place.
fn within_fragment(fragment: &str) -> &str {
    let fragment = fragment.strip_prefix('#').unwrap_or(fragment);
    let fragment = fragment.split('#').next().unwrap_or_default();
    if matches!(fragment, "_=_" | "_" | "!") {
        return "";
    }
    fragment
}

/// Requires the dialect's issuer, in a denial too (RFC 9207 §2.4).
fn check_issuer(rules: &AuthorizationRules, pairs: &Pairs) -> Result<(), RedirectError> {
    let Some(wanted) = &rules.issuer else {
        return Ok(());
    };
    match pairs.one_clean("iss", RedirectError::Duplicate("iss"))? {
        None => Err(RedirectError::IssuerMissing),
        Some(given) if given == wanted => Ok(()),
        Some(_) => Err(RedirectError::WrongIssuer),
    }
}

/// The names of the parameters that the protocol reads.
struct Names<'a> {
    code: &'a str,
    state: &'a str,
    error: &'a str,
    /// The parameter of the redirect URI that carries the state.
    carried: Option<&'a str>,
}

impl<'a> Names<'a> {
    fn of(rules: &'a AuthorizationRules) -> Self {
        Self {
            code: &rules.callback.code,
            state: &rules.callback.state,
            error: &rules.callback.error,
            carried: rules.state.in_redirect_uri(),
        }
    }

    /// Returns whether this is an authorization response, of a success or a denial.
    fn answered(&self, part: &Result<Pairs, RedirectError>) -> bool {
        part.as_ref()
            .is_ok_and(|pairs| pairs.has(self.code) || pairs.has(self.error))
    }
}

/// How far a redirect's states show that it belongs to the flow.
struct Binding {
    /// Whether a state came back, which is the flow's: the redirect is not forged.
    proven: bool,
    /// Whether every state came back that comes with a code.
    allows_code: bool,
    /// Whether every state came back that comes with a denial.
    allows_denial: bool,
}

impl Binding {
    /// Compares every state of the redirect with the flow's.
    fn find(
        rules: &AuthorizationRules,
        names: &Names<'_>,
        pairs: &Pairs,
        expected: &State,
    ) -> Result<Self, RedirectError> {
        let echo = if rules.state.is_parameter() {
            rules.state_echo
        } else {
            StateEcho::Never
        };
        let state = |name| pairs.one(name, RedirectError::StateMismatch);
        let carried = names.carried.map(state).transpose()?.flatten();
        let returned = state(names.state)?.filter(|_| echo != StateEcho::Never);
        let mut given = [carried, returned].into_iter().flatten();
        if given.any(|given| State::new(given) != *expected) {
            return Err(RedirectError::StateMismatch);
        }
        let proven = carried.is_some() || returned.is_some();
        Ok(Self {
            proven,
            allows_code: match names.carried {
                Some(_) => carried.is_some(),
                None => proven || echo != StateEcho::Always,
            },
            // Providers may keep the query of the redirect URI after a success only.
            allows_denial: proven || echo != StateEcho::Always,
        })
    }

    fn denial(&self, error: ErrorCode, pairs: &Pairs) -> RedirectError {
        if self.proven {
            let text = pairs.one("error_description", RedirectError::Malformed);
            let description = text.ok().flatten().and_then(ErrorDescription::of_redirect);
            RedirectError::Denied { error, description }
        } else if self.allows_denial {
            RedirectError::DeniedWithoutState { error }
        } else {
            RedirectError::StateMismatch
        }
    }
}
