//! The token endpoint, whose form also carries the client's secret.

use axum::body::Body;
use axum::extract::State;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Response};
use serde_json::Value;

use super::Milestones;
use super::error::respond;
use crate::answer::{Fields, Format, granted};
use crate::ledger::{GrantId, Ledger, Pair};
use crate::params::Params;
use crate::provider::refusal::Refusal;
use crate::provider::{Context, Provider as _, is_form, redeem};

const EXCHANGE: [&str; 5] = [
    "grant_type",
    "code",
    "client_id",
    "client_secret",
    "redirect_uri",
];
/// What a client that uses PKCE adds: an extension that a server which does not know it must ignore
/// (RFC 6749 §3.2), as the authorization page does.
const VERIFIER: &str = "code_verifier";
const REFRESH: [&str; 4] = ["grant_type", "refresh_token", "client_id", "client_secret"];

pub(super) async fn token(
    State(cx): State<Context<Milestones>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    match try_token(&cx, &headers, &body) {
        Ok((pair, replaced)) => granted(answer(&cx, pair), replaced),
        Err(refusal) => respond(refusal, cx.provider.options.error_format),
    }
}

fn try_token(
    cx: &Context<Milestones>,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(Pair, bool), Refusal> {
    if !is_form(headers) {
        return Err(Refusal::request(
            "the body must be application/x-www-form-urlencoded",
        ));
    }
    let params = Params::parse(body);
    if headers.contains_key(AUTHORIZATION) {
        return Err(if params.has("client_secret") {
            Refusal::request("more than one method of client authentication")
        } else {
            Refusal::client()
        });
    }
    let refresh = match params.value("grant_type") {
        Some("authorization_code") => false,
        Some("refresh_token") => true,
        Some(_) => {
            return Err(Refusal::new(
                "unsupported_grant_type",
                "only authorization_code and refresh_token",
            ));
        }
        None => return Err(Refusal::missing("grant_type")),
    };
    if let Some(name) = params.repeated() {
        return Err(Refusal::repeated(name));
    }
    let allowed: &[&str] = if refresh { &REFRESH } else { &EXCHANGE };
    let known = [allowed, &[VERIFIER]].concat();
    let known = if refresh { allowed } else { &known };
    if let Some(name) = params
        .foreign(known)
        .filter(|_| !cx.provider.options.lenient_parameters)
    {
        return Err(Refusal::request(format!(
            "{name} is not a parameter of this request"
        )));
    }
    for name in allowed {
        params.value(name).ok_or_else(|| Refusal::missing(name))?;
    }
    let given = |name| params.value(name).unwrap_or_default();
    let client = cx
        .world
        .client(given("client_id"))
        .ok_or_else(Refusal::client)?;
    if client.secret.as_deref() != Some(given("client_secret")) {
        return Err(Refusal::client());
    }
    let mut ledger = cx.world.ledger();
    let grant = if refresh {
        spend_refresh_token(cx, &mut ledger, given("refresh_token"), &client.id)?
    } else {
        spend_code(
            cx,
            &mut ledger,
            given("code"),
            &client.id,
            given("redirect_uri"),
        )?
    };
    let pair = cx.provider.mint();
    cx.world.add_pair(&mut ledger, grant, &pair);
    Ok((pair, refresh))
}

fn spend_code(
    cx: &Context<Milestones>,
    ledger: &mut Ledger,
    value: &str,
    client_id: &str,
    redirect_uri: &str,
) -> Result<GrantId, Refusal> {
    let code = redeem::live_code(ledger, value, client_id, cx.world.now())?;
    if code.grant.redirect_uri.as_deref() != Some(redirect_uri) {
        return Err(Refusal::code(
            "redirect_uri differs from the one that was authorized",
        ));
    }
    redeem::redeem_code(ledger, value)
}

fn spend_refresh_token(
    cx: &Context<Milestones>,
    ledger: &mut Ledger,
    value: &str,
    client_id: &str,
) -> Result<GrantId, Refusal> {
    let grant = redeem::live_refresh_token(ledger, value, client_id, cx.world.now())?;
    ledger.replace_pair(value);
    Ok(grant)
}

fn answer(cx: &Context<Milestones>, pair: Pair) -> Fields {
    let seconds = cx.world.lifetimes.access.map_or(0, |life| life.as_secs());
    let mut fields = Fields::json([
        ("access_token", Value::from(pair.access)),
        ("token_type", "bearer".into()),
        ("expires_in", seconds.into()),
        ("refresh_token", pair.refresh.into()),
    ]);
    if cx.provider.options.unquoted_keys {
        fields.format = Format::Loose;
    }
    fields
}
