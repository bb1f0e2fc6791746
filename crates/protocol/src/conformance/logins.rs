//! Rules: the authorization request.

use url::Url;

use super::{
    subject::{Subject, VERIFIER},
    violation::{Violation, ensure},
};
use crate::{
    authorization::AuthorizationRequest,
    error::Error,
    redirect_uri::RedirectUri,
    secret::{CodeVerifier, State},
};

/// An authorization request, and the state that binds its redirect.
pub(super) struct Login {
    pub(super) state: State,
    pub(super) redirect_uri: RedirectUri,
    pub(super) url: Url,
}

pub(super) fn login(subject: &Subject) -> Result<Login, Violation> {
    let state = State::random();
    let redirect_uri = subject.provider().redirect_uri(&state);
    let url = url(subject, &state, &redirect_uri)?;
    Ok(Login {
        state,
        redirect_uri,
        url,
    })
}

fn url(subject: &Subject, state: &State, redirect_uri: &RedirectUri) -> Result<Url, Error> {
    let challenge = CodeVerifier::new(VERIFIER).code_challenge();
    let request = AuthorizationRequest {
        state,
        redirect_uri,
        scope: None,
        code_challenge: subject.uses_pkce().then_some(&*challenge),
        extra: &[],
    };
    let site = subject.site().map_err(|_| Error::Origin {
        problem: "the subject has no site",
    })?;
    subject.provider().authorization_url(&site, &request)
}

/// Returns the parameters, which may be behind a `?` in the fragment.
pub(super) fn pairs(url: &Url) -> form_urlencoded::Parse<'_> {
    let in_fragment = url.fragment().and_then(|fragment| fragment.split_once('?'));
    let query = in_fragment.map(|(_, query)| query).or(url.query());
    form_urlencoded::parse(query.unwrap_or_default().as_bytes())
}

/// The authorization URL names the client and the redirect URI, each once.
pub fn the_authorization_url_has_client_id_and_redirect_uri(
    subject: &Subject,
) -> Result<(), Violation> {
    let login = login(subject)?;
    let client_id = subject.provider().client().registration().client_id();
    for (what, value) in [
        ("client id", client_id),
        ("redirect URI", login.redirect_uri.as_str()),
    ] {
        let times = pairs(&login.url).filter(|(_, own)| own == value).count();
        ensure!(
            times == 1,
            "the {what} is in the authorization URL {times} times"
        );
    }
    Ok(())
}

/// The authorization URL holds neither the client's secret nor the PKCE verifier: browsers keep it
/// in their history.
pub fn the_authorization_url_has_no_secret(subject: &Subject) -> Result<(), Violation> {
    let url = login(subject)?.url;
    for secret in subject.secrets() {
        let values = || pairs(&url).map(|(_, value)| value);
        ensure!(
            !url.as_str().contains(&secret) && values().all(|value| !value.contains(&secret)),
            "a secret is in the authorization URL"
        );
    }
    Ok(())
}

/// The authorization URL has this flow's state, as a parameter or inside the redirect URI.
pub fn the_authorization_url_has_the_state(subject: &Subject) -> Result<(), Violation> {
    let (one, other) = (login(subject)?, login(subject)?);
    let holds =
        |url: &Url, state: &State| pairs(url).any(|(_, value)| value.contains(state.expose()));
    ensure!(
        holds(&one.url, &one.state),
        "the state is not in the authorization URL"
    );
    ensure!(
        !holds(&other.url, &one.state),
        "another flow's state is in the authorization URL"
    );
    Ok(())
}

/// A redirect URI that was not registered is refused, even if it is similar.
pub fn an_unregistered_redirect_uri_is_refused(subject: &Subject) -> Result<(), Violation> {
    let login = login(subject)?;
    let own = login.redirect_uri.as_str();
    let registered = subject.registered();
    let mut elsewhere =
        Url::parse(own).map_err(|_| Violation::new("the redirect URI is no URL"))?;
    elsewhere.set_path("/conformance/elsewhere");
    let mut foreign = vec![
        format!("{own}#f"),
        elsewhere.into(),
        format!("https://evil.test/?u={registered}"),
    ];
    if let Some((scheme, rest)) = own.split_once("://") {
        foreign.push(format!("{scheme}://user@{rest}"));
    }
    for foreign in foreign.into_iter().map(RedirectUri::new) {
        let refused = url(subject, &login.state, &foreign).is_err();
        ensure!(refused, "a code would be sent to {foreign:?}");
    }
    Ok(())
}
