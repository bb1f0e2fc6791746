//! The token endpoint, with parameters in headers and an empty body.

use axum::body::Body;
use axum::extract::State;
use bytes::Bytes;
use http::{HeaderMap, Response};
use serde_json::Value;

use super::IOffice;
use super::error::{respond, unknown_client};
use crate::answer::{Fields, granted};
use crate::ledger::{Grant, GrantId, Ledger, Pair};
use crate::pkce;
use crate::provider::refusal::Refusal;
use crate::provider::{Context, Provider as _, has_type, redeem};

pub(super) async fn token(
    State(cx): State<Context<IOffice>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    match try_token(&cx, &headers, &body) {
        Ok((pair, replaced)) => granted(answer(&cx, pair), replaced),
        Err(refusal) => respond(refusal, &cx.provider.options),
    }
}

/// Returns the value of a header that occurs once and is not empty.
pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, Refusal> {
    let mut values = headers.get_all(name).iter();
    let value = values
        .next()
        .and_then(|value| value.to_str().ok())
        .filter(|value| !value.is_empty());
    match (value, values.next()) {
        (Some(value), None) => Ok(value),
        _ => Err(Refusal::request(format!(
            "the header {name} is missing, empty, repeated or not ASCII"
        ))),
    }
}

/// Checks that the body is empty, and declared as JSON.
pub(super) fn check_body(headers: &HeaderMap, body: &[u8]) -> Result<(), Refusal> {
    if !has_type(headers, "application/json") {
        return Err(Refusal::request(
            "the content type must be application/json",
        ));
    }
    if !body.is_empty() {
        return Err(Refusal::request(
            "parameters travel in headers; the body must be empty",
        ));
    }
    Ok(())
}

fn try_token(
    cx: &Context<IOffice>,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(Pair, bool), Refusal> {
    check_body(headers, body)?;
    let grant_type = header(headers, "x-grant-type")?;
    let asked = Asked {
        client: cx
            .world
            .client(header(headers, "x-client-id")?)
            .ok_or_else(unknown_client)?
            .id,
        redirect_uri: header(headers, "x-redirect-uri")?,
        scope: header(headers, "x-scope")?,
    };
    let mut ledger = cx.world.ledger();
    let (grant, replaced) = match grant_type {
        "authorization_code" => (spend_code(cx, &mut ledger, headers, &asked)?, false),
        "refresh_token" => (
            spend_refresh_token(cx, &mut ledger, header(headers, "x-refresh-token")?, &asked)?,
            true,
        ),
        _ => {
            return Err(Refusal::new(
                "unsupported_grant_type",
                "authorization_code or refresh_token",
            ));
        }
    };
    let pair = cx.provider.mint();
    cx.world.add_pair(&mut ledger, grant, &pair);
    Ok((pair, replaced))
}

/// The parameters that must agree with the authorization.
struct Asked<'a> {
    client: String,
    redirect_uri: &'a str,
    scope: &'a str,
}

impl Asked<'_> {
    /// Checks the parameters; a grant by the direct request has no redirect URI and no scope.
    fn check(&self, cx: &Context<IOffice>, grant: &Grant) -> Result<(), Refusal> {
        let registered = || {
            cx.world
                .client(&self.client)
                .is_some_and(|client| client.registers(self.redirect_uri))
        };
        if grant
            .redirect_uri
            .as_deref()
            .map_or_else(registered, |uri| uri == self.redirect_uri)
        {
            if grant
                .scope
                .as_deref()
                .is_none_or(|scope| scope == self.scope)
            {
                return Ok(());
            }
            return Err(Refusal::new(
                "invalid_scope",
                "x-scope differs from the authorization's",
            ));
        }
        Err(Refusal::request(
            "x-redirect-uri differs from the authorization's",
        ))
    }
}

fn spend_code(
    cx: &Context<IOffice>,
    ledger: &mut Ledger,
    headers: &HeaderMap,
    asked: &Asked<'_>,
) -> Result<GrantId, Refusal> {
    let value = header(headers, "x-auth-code")?;
    let code = redeem::live_code(ledger, value, &asked.client, cx.world.now())?;
    asked.check(cx, &code.grant)?;
    if cx.provider.options.checks_pkce {
        check_verifier(headers, code.challenge.as_deref())?;
    }
    redeem::redeem_code(ledger, value)
}

/// Checks the verifier of a code; without a challenge there must be none (RFC 9700 §2.1.1).
fn check_verifier(headers: &HeaderMap, challenge: Option<&str>) -> Result<(), Refusal> {
    const NAME: &str = "x-code-verifier";
    match challenge {
        Some(challenge) if pkce::matches(header(headers, NAME)?, challenge) => Ok(()),
        None if !headers.contains_key(NAME) => Ok(()),
        _ => Err(Refusal::code("x-code-verifier does not match")),
    }
}

fn spend_refresh_token(
    cx: &Context<IOffice>,
    ledger: &mut Ledger,
    value: &str,
    asked: &Asked<'_>,
) -> Result<GrantId, Refusal> {
    let grant = redeem::live_refresh_token(ledger, value, &asked.client, cx.world.now())?;
    asked.check(cx, ledger.grant(grant))?;
    if !cx.provider.options.old_tokens_live {
        ledger.replace_pair(value);
    }
    Ok(grant)
}

fn answer(cx: &Context<IOffice>, pair: Pair) -> Fields {
    let life = cx.world.lifetimes.access.unwrap_or_default();
    let expires_in = if cx.provider.options.seconds {
        life.as_secs()
    } else {
        u64::try_from(life.as_millis()).unwrap_or(u64::MAX)
    };
    Fields::json([
        ("token_type", Value::from("Bearer")),
        ("access_token", pair.access.into()),
        ("expires_in", expires_in.into()),
        ("refresh_token", pair.refresh.into()),
    ])
}
