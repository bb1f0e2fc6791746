//! The authorization request (RFC 6749 §4.1.1).

use std::{borrow::Cow, fmt};

use url::Url;

use crate::{
    client::Client,
    dialect::{AuthorizationValue as Value, Pkce, ResponseMode},
    error::Error,
    origin::Origin,
    redirect_uri::RedirectUri,
    secret::State,
    values::Values,
};

/// The values of one authorization request, in addition to the registration's.
///
/// `Debug` shows only the names of further parameters, which may hold a hint about the person.
#[derive(Clone, Copy)]
pub struct AuthorizationRequest<'a> {
    /// Binds the redirect to this flow.
    pub state: &'a State,
    /// [`Provider::redirect_uri`](crate::Provider::redirect_uri) of the same state.
    pub redirect_uri: &'a RedirectUri,
    /// The scope to request in place of the registration's or the dialect's.
    pub scope: Option<&'a str>,
    /// The PKCE code challenge: required if the dialect has [`Pkce::S256`], refused otherwise.
    pub code_challenge: Option<&'a str>,
    /// Further parameters, appended to the dialect's. They replace its fixed ones of the same name.
    pub extra: &'a [(&'a str, &'a str)],
}

impl fmt::Debug for AuthorizationRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let extra = self.extra.iter().map(|(name, _)| name);
        f.debug_struct("AuthorizationRequest")
            .field("state", self.state)
            .field("redirect_uri", self.redirect_uri)
            .field("scope", &self.scope)
            .field("code_challenge", &self.code_challenge)
            .field("extra", &extra.collect::<Vec<_>>())
            .finish()
    }
}

/// The parameter of OAuth 2.0 Multiple Response Type Encoding Practices §2.1.
const RESPONSE_MODE: &str = "response_mode";

const PKCE: [&str; 2] = ["code_challenge", "code_challenge_method"];

pub(crate) fn url(
    client: &Client,
    site: &Origin,
    request: &AuthorizationRequest<'_>,
) -> Result<Url, Error> {
    let rules = &client.dialect().authorization;
    client.check_redirect_uri(request.redirect_uri)?;
    let challenge = challenge(rules.pkce, request.code_challenge)?;
    let mut pairs = flow_parameters(client, request)?;
    if rules.response_mode == ResponseMode::FormPost {
        pairs.push((RESPONSE_MODE, "form_post".into()));
    }
    if let Some(challenge) = challenge {
        let own = [challenge, "S256"].map(Cow::Borrowed);
        pairs.extend(PKCE.into_iter().zip(own));
    }
    let scopes = client.further_scopes();
    pairs.extend(
        scopes
            .filter(|(_, scope)| !scope.is_empty())
            .map(|(name, scope)| (name, rules.separate(scope))),
    );
    let values = Values::of(client, site);
    for (name, template) in &rules.fixed {
        if request.extra.iter().all(|(extra, _)| extra != name) {
            pairs.push((name, values.fill(template)?.into()));
        }
    }
    for (name, value) in request.extra {
        if rules.sends(name) || is_standard(name) || rules.further_scopes.contains_key(*name) {
            return Err(Error::ExtraParameter {
                name: (*name).to_owned(),
            });
        }
        pairs.push((name, (*value).into()));
    }

    let mut url = rules.endpoint.at(site, &values)?;
    url.query_pairs_mut().extend_pairs(pairs);
    if let Some(fragment) = &rules.fragment {
        let query = url.query().unwrap_or_default();
        let fragment = format!("{fragment}?{query}");
        url.set_query(None);
        url.set_fragment(Some(&fragment));
    }
    Ok(url)
}

/// Returns the parameters that the dialect lists, or those of RFC 6749 §4.1.1, with their values.
fn flow_parameters<'a>(
    client: &'a Client,
    request: &AuthorizationRequest<'a>,
) -> Result<Vec<(&'a str, Cow<'a, str>)>, Error> {
    let rules = &client.dialect().authorization;
    let scope = request.scope.or(client.scope());
    if let Some(scope) = scope {
        rules.check_scope(scope)?;
    }
    let value = |value: Value| -> Option<Cow<'a, str>> {
        Some(match value {
            Value::ResponseType => "code".into(),
            Value::ClientId => client.registration().client_id().into(),
            Value::RedirectUri => request.redirect_uri.as_str().into(),
            Value::Scope => rules.separate(scope?),
            Value::State if rules.state.is_parameter() => request.state.expose().into(),
            Value::State => return None,
        })
    };
    let listed = rules.parameters.iter().map(|p| (p.name.as_str(), p.value));
    let all = Value::ALL.into_iter().map(|value| (value.name(), value));
    let all = all.filter(|_| rules.parameters.is_empty());
    let named = listed.chain(all);
    Ok(named
        .filter_map(|(name, of)| Some((name, value(of)?)))
        .collect())
}

/// Returns whether the name has a meaning for the protocol, even if the dialect does not send it.
fn is_standard(name: &str) -> bool {
    name == RESPONSE_MODE || Value::ALL.iter().any(|own| own.name() == name)
}

pub(crate) fn redirect_uri(client: &Client, state: &State) -> RedirectUri {
    let registered = RedirectUri::new(client.registration().redirect_uri());
    match client.dialect().authorization.state.in_redirect_uri() {
        Some(name) => registered.with_parameter(name, state.expose()),
        None => registered,
    }
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
