//! Revocation (RFC 7009), introspection (RFC 7662) and one resource (RFC 6750).

use std::time::UNIX_EPOCH;

use axum::body::Body;
use axum::extract::State;
use bytes::Bytes;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde_json::json;

use super::Plain;
use super::client::authenticated;
use super::error::respond;
use crate::answer;
use crate::ledger::Standing;
use crate::provider::Context;
use crate::provider::refusal::Refusal;

/// Revokes the whole grant of a refresh token, or only the given access token.
pub(super) async fn revoke(
    State(cx): State<Context<Plain>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    match try_revoke(&cx, &headers, &body) {
        Ok(()) => answer::empty(StatusCode::OK),
        Err(refusal) => respond(refusal, false),
    }
}

fn try_revoke(cx: &Context<Plain>, headers: &HeaderMap, body: &[u8]) -> Result<(), Refusal> {
    let (client, params) = authenticated(cx, headers, body)?;
    let token = params
        .value("token")
        .ok_or_else(|| Refusal::missing("token"))?;
    let now = cx.world.now();
    let mut ledger = cx.world.ledger();
    let (refresh, access) = (ledger.refresh(token, now).1, ledger.access(token, now).1);
    if let Some(grant) = refresh.or(access)
        && ledger.grant(grant).client != client.id
    {
        return Err(Refusal::new(
            "unauthorized_client",
            "the token was issued to another client",
        ));
    }
    match refresh {
        Some(grant) => ledger.revoke_grant(grant),
        None => ledger.revoke_access(token),
    }
    Ok(())
}

pub(super) async fn introspect(
    State(cx): State<Context<Plain>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    match try_introspect(&cx, &headers, &body) {
        Ok(value) => answer::json(StatusCode::OK, &value),
        Err(refusal) => respond(refusal, false),
    }
}

fn try_introspect(
    cx: &Context<Plain>,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<serde_json::Value, Refusal> {
    let (_, params) = authenticated(cx, headers, body)?;
    let token = params
        .value("token")
        .ok_or_else(|| Refusal::missing("token"))?;
    let now = cx.world.now();
    let ledger = cx.world.ledger();
    let grant = match (ledger.access(token, now), ledger.refresh(token, now)) {
        ((Standing::Live, Some(grant)), _) | (_, (Standing::Live, Some(grant))) => {
            ledger.grant(grant)
        }
        _ => return Ok(json!({"active": false})),
    };
    let mut value = json!({
        "active": true,
        "client_id": grant.client,
        "username": grant.user,
        "token_type": "Bearer",
    });
    if let Some(scope) = &grant.scope {
        value["scope"] = scope.as_str().into();
    }
    if let Some(since) = ledger
        .access_expiry(token)
        .and_then(|at| at.duration_since(UNIX_EPOCH).ok())
    {
        value["exp"] = since.as_secs().into();
    }
    Ok(value)
}

/// Answers GET, POST and PUT, so that tests can send a body.
pub(super) async fn me(
    State(cx): State<Context<Plain>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let value = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let token = value
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let Some((_, token)) = token else {
        return challenge("Bearer realm=\"emulator\"");
    };
    let ledger = cx.world.ledger();
    let (Standing::Live, Some(grant)) = ledger.access(token, cx.world.now()) else {
        return challenge("Bearer realm=\"emulator\", error=\"invalid_token\"");
    };
    answer::json(
        StatusCode::OK,
        &json!({"login": ledger.grant(grant).user, "received_bytes": body.len()}),
    )
}

fn challenge(value: &'static str) -> Response<Body> {
    let mut response = answer::empty(StatusCode::UNAUTHORIZED);
    response
        .headers_mut()
        .insert(WWW_AUTHENTICATE, HeaderValue::from_static(value));
    response
}
