//! The authorization request (RFC 6749 §4.1.1).

use url::Url;

use crate::{
    client::Client,
    dialect::{AuthorizationParameter as Parameter, Pkce},
    error::Error,
    origin::Origin,
    secret::State,
};

/// The values of one authorization request, in addition to the registration's.
#[derive(Clone, Copy, Debug)]
pub struct AuthorizationRequest<'a> {
    /// Binds the redirect to this flow.
    pub state: &'a State,
    /// [`Provider::redirect_uri`](crate::Provider::redirect_uri) of the same state.
    pub redirect_uri: &'a Url,
    /// The scope to request in place of the registration's or the dialect's.
    pub scope: Option<&'a str>,
    /// The PKCE code challenge: required if the dialect has [`Pkce::S256`], refused otherwise.
    pub code_challenge: Option<&'a str>,
    /// Further parameters, appended to the dialect's.
    pub extra: &'a [(&'a str, &'a str)],
}

const ALL: [Parameter; 5] = [
    Parameter::ResponseType,
    Parameter::ClientId,
    Parameter::RedirectUri,
    Parameter::Scope,
    Parameter::State,
];

const PKCE: [&str; 2] = ["code_challenge", "code_challenge_method"];

pub(crate) fn url(
    client: &Client,
    site: &Origin,
    request: &AuthorizationRequest<'_>,
) -> Result<Url, Error> {
    let rules = &client.dialect().authorization;
    client.check_redirect_uri(request.redirect_uri)?;
    let challenge = challenge(rules.pkce, request.code_challenge)?;
    let parameters = if rules.parameters.is_empty() {
        &ALL[..]
    } else {
        &rules.parameters
    };
    let scope = request.scope.or(client.scope());
    if let Some(scope) = scope {
        rules.check_scope(scope)?;
    }

    let mut url = rules.endpoint.at(site)?;
    let mut query = url.query_pairs_mut();
    for parameter in parameters {
        let value = match parameter {
            Parameter::ResponseType => Some("code"),
            Parameter::ClientId => Some(client.registration().client_id()),
            Parameter::RedirectUri => Some(request.redirect_uri.as_str()),
            Parameter::Scope => scope,
            Parameter::State => rules.state.is_parameter().then(|| request.state.expose()),
        };
        if let Some(value) = value {
            query.append_pair(parameter.name(), value);
        }
    }
    if let Some(challenge) = challenge {
        query
            .append_pair(PKCE[0], challenge)
            .append_pair(PKCE[1], "S256");
    }
    for (name, value) in request.extra {
        if ALL.iter().any(|own| own.name() == *name) || PKCE.contains(name) {
            return Err(Error::ExtraParameter {
                name: (*name).to_owned(),
            });
        }
        query.append_pair(name, value);
    }
    drop(query);
    Ok(url)
}

pub(crate) fn redirect_uri(client: &Client, state: &State) -> Url {
    let mut uri = client.registered_redirect_uri().clone();
    if let Some(name) = client.dialect().authorization.state.in_redirect_uri() {
        uri.query_pairs_mut().append_pair(name, state.expose());
    }
    uri
}

/// Checks that the dialect and the flow agree: a challenge without a verifier, or the reverse,
/// fails only at the exchange.
fn challenge(pkce: Pkce, given: Option<&str>) -> Result<Option<&str>, Error> {
    match (pkce, given) {
        (Pkce::S256, None) => Err(Error::Pkce {
            problem: "the dialect requires it: pass `CodeVerifier::code_challenge`",
        }),
        (Pkce::Off, Some(_)) => Err(Error::Pkce {
            problem: "the dialect does not use it: pass no challenge, or switch it on",
        }),
        (_, given) => Ok(given),
    }
}
