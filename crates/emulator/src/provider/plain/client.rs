//! Client authentication (RFC 6749 §2.3.1).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::Plain;
use super::options::ClientAuthentication;
use crate::params::Params;
use crate::provider::Context;
use crate::provider::refusal::Refusal;
use crate::registration::RegisteredClient;

/// Authenticates the client of a revocation or an introspection with these parameters.
pub(super) fn authenticated(
    cx: &Context<Plain>,
    headers: &HeaderMap,
    params: &Params,
) -> Result<(RegisteredClient, Params), Refusal> {
    if let Some(name) = params.repeated() {
        return Err(Refusal::repeated(name));
    }
    let options = &cx.provider.options;
    let params = params.standardized(&options.requests.names);
    let client = authenticate(cx, headers, &params, options.client.general())?;
    Ok((client, params))
}

/// Returns the client of a request that authenticates with this method, and no other.
pub(super) fn authenticate(
    cx: &Context<Plain>,
    headers: &HeaderMap,
    params: &Params,
    method: ClientAuthentication,
) -> Result<RegisteredClient, Refusal> {
    use ClientAuthentication::{Any, Basic, BasicSecretOnly, BasicUnencoded, Body, None as Public};
    let (header, in_body) = (headers.get(AUTHORIZATION), params.has("client_secret"));
    match (header, method) {
        (Some(_), _) if in_body => Err(Refusal::request(
            "more than one method of client authentication",
        )),
        (Some(_), Public) => Err(unexpected()),
        (None, Public) if in_body => Err(unexpected()),
        (None, Public) => {
            let client = params.value("client_id").and_then(|id| cx.world.client(id));
            client.ok_or_else(Refusal::client)
        }
        (Some(_), Body) => Err(Refusal::client()),
        (Some(value), Any | Basic | BasicUnencoded | BasicSecretOnly) => {
            let pair = value.to_str().ok().and_then(basic);
            let client = pair.and_then(|pair| by_header(cx, &pair, method));
            let client = client.ok_or_else(Refusal::client)?;
            if params.value("client_id").is_some_and(|id| id != client.id) {
                return Err(Refusal::request(
                    "client_id differs from that of the header",
                ));
            }
            Ok(client)
        }
        (None, Basic | BasicUnencoded | BasicSecretOnly) if in_body => Err(Refusal::client()),
        (None, _) => {
            let id = params.value("client_id").ok_or_else(Refusal::client)?;
            matching(cx, id, params.value("client_secret")).ok_or_else(Refusal::client)
        }
    }
}

/// Returns the client whose id and secret are in a `Basic` header.
fn by_header(
    cx: &Context<Plain>,
    (user, password): &(String, String),
    method: ClientAuthentication,
) -> Option<RegisteredClient> {
    match method {
        ClientAuthentication::BasicSecretOnly if password.is_empty() => {
            let clients = cx.world.clients();
            let mut known = clients.iter().filter(|client| client.secret.is_some());
            known
                .find(|client| client.secret.as_ref() == Some(user))
                .cloned()
        }
        ClientAuthentication::BasicSecretOnly => None,
        ClientAuthentication::BasicUnencoded => matching(cx, user, Some(password)),
        _ => matching(cx, &form_decoded(user), Some(&form_decoded(password))),
    }
}

fn matching(cx: &Context<Plain>, id: &str, secret: Option<&str>) -> Option<RegisteredClient> {
    let client = cx.world.client(id);
    client.filter(|client| client.secret.as_deref() == secret)
}

/// Returns user name and password of a `Basic` header.
fn basic(value: &str) -> Option<(String, String)> {
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = pair.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

fn form_decoded(value: &str) -> String {
    let spaced = value.replace('+', " ");
    percent_encoding::percent_decode_str(&spaced)
        .decode_utf8_lossy()
        .into_owned()
}

fn unexpected() -> Refusal {
    Refusal::request("this endpoint expects no client authentication")
}
