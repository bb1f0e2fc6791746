//! Revocation (RFC 7009) and introspection (RFC 7662).

use std::time::UNIX_EPOCH;

use axum::body::Body;
use axum::extract::State;
use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use serde_json::json;

use super::Plain;
use super::client::authenticated;
use super::error::respond;
use super::options::RevokedTokenPlace;
use super::request::{read_form, read_json};
use crate::answer;
use crate::ledger::Standing;
use crate::provider::refusal::Refusal;
use crate::provider::{Context, bearer};

/// Revokes the whole grant of a refresh token, or only the given access token.
pub(super) async fn revoke(
    State(cx): State<Context<Plain>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    match try_revoke(&cx, &headers, &body) {
        Ok(()) => answer::empty(StatusCode::OK),
        Err(refusal) => respond(refusal),
    }
}

fn try_revoke(cx: &Context<Plain>, headers: &HeaderMap, body: &[u8]) -> Result<(), Refusal> {
    let (params, name) = match &cx.provider.options.revoked_token {
        RevokedTokenPlace::Form(name) => (read_form(headers, body)?, name),
        RevokedTokenPlace::Json(name) => (read_json(headers, body)?, name),
        RevokedTokenPlace::Bearer => return revoke_itself(cx, headers),
    };
    let (client, params) = authenticated(cx, headers, &params)?;
    let token = params.value(name).ok_or_else(|| Refusal::missing(name))?;
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

/// Revokes the access token that authorizes the request, if it is valid.
fn revoke_itself(cx: &Context<Plain>, headers: &HeaderMap) -> Result<(), Refusal> {
    let mut ledger = cx.world.ledger();
    let now = cx.world.now();
    let token = bearer(headers).filter(|token| ledger.access(token, now).0 == Standing::Live);
    let token = token.ok_or_else(|| {
        let refusal = Refusal::new("invalid_token", "the access token is not valid");
        refusal.with_status(StatusCode::UNAUTHORIZED)
    })?;
    ledger.revoke_access(token);
    Ok(())
}

pub(super) async fn introspect(
    State(cx): State<Context<Plain>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    match try_introspect(&cx, &headers, &body) {
        Ok(value) => answer::json(StatusCode::OK, &value),
        Err(refusal) => respond(refusal),
    }
}

fn try_introspect(
    cx: &Context<Plain>,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<serde_json::Value, Refusal> {
    let (_, params) = authenticated(cx, headers, &read_form(headers, body)?)?;
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
