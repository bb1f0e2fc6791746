//! Client authentication (RFC 6749 §2.3.1).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::Plain;
use super::options::ClientAuthentication;
use crate::params::Params;
use crate::provider::refusal::Refusal;
use crate::provider::{Context, is_form};
use crate::registration::RegisteredClient;

/// Reads a form and authenticates its client.
pub(super) fn authenticated(
    cx: &Context<Plain>,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(RegisteredClient, Params), Refusal> {
    if !is_form(headers) {
        return Err(Refusal::request(
            "the body must be application/x-www-form-urlencoded",
        ));
    }
    let params = Params::parse(body);
    if let Some(name) = params.repeated() {
        return Err(Refusal::repeated(name));
    }
    let place = cx.provider.options.client_authentication;
    let (id, secret) = match headers.get(AUTHORIZATION) {
        Some(_) if params.has("client_secret") => {
            return Err(Refusal::request(
                "more than one method of client authentication",
            ));
        }
        Some(_) if place == ClientAuthentication::Body => return Err(Refusal::client()),
        Some(value) => {
            let (id, secret) = value
                .to_str()
                .ok()
                .and_then(basic)
                .ok_or_else(Refusal::client)?;
            if params.value("client_id").is_some_and(|other| other != id) {
                return Err(Refusal::request(
                    "client_id differs from that of the header",
                ));
            }
            (id, Some(secret))
        }
        None if place == ClientAuthentication::Basic && params.has("client_secret") => {
            return Err(Refusal::client());
        }
        None => {
            let id = params.value("client_id").ok_or_else(Refusal::client)?;
            (
                id.to_owned(),
                params.value("client_secret").map(str::to_owned),
            )
        }
    };
    let client = cx
        .world
        .client(&id)
        .filter(|client| client.secret == secret)
        .ok_or_else(Refusal::client)?;
    Ok((client, params))
}

/// Returns id and secret of a `Basic` header, each decoded as a form's value.
fn basic(value: &str) -> Option<(String, String)> {
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = pair.split_once(':')?;
    Some((form_decoded(id), form_decoded(secret)))
}

fn form_decoded(value: &str) -> String {
    let spaced = value.replace('+', " ");
    percent_encoding::percent_decode_str(&spaced)
        .decode_utf8_lossy()
        .into_owned()
}
