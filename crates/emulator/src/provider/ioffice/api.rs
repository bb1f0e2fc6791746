//! Revocation, token information and one resource.

use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, Response, StatusCode, Uri};
use serde_json::{Value, json};

use super::IOffice;
use super::error::respond;
use super::options::{RejectedStatus, RevocationScope};
use super::token::header;
use crate::answer;
use crate::ledger::Standing;
use crate::params::Params;
use crate::provider::Context;
use crate::provider::refusal::Refusal;

pub(super) async fn revoke(
    State(cx): State<Context<IOffice>>,
    headers: HeaderMap,
) -> Response<Body> {
    match try_revoke(&cx, &headers) {
        Ok(()) => answer::json(StatusCode::OK, &json!({})),
        Err(refusal) => respond(refusal, &cx.provider.options),
    }
}

fn try_revoke(cx: &Context<IOffice>, headers: &HeaderMap) -> Result<(), Refusal> {
    let token = header(headers, "x-token")?;
    let now = cx.world.now();
    let mut ledger = cx.world.ledger();
    match cx.provider.options.revocation_scope {
        RevocationScope::Token => {
            ledger.revoke_access(token);
            ledger.revoke_refresh(token);
        }
        RevocationScope::Grant => {
            if let Some(grant) = ledger.access(token, now).1.or(ledger.refresh(token, now).1) {
                ledger.revoke_grant(grant);
            }
        }
    }
    Ok(())
}

pub(super) async fn tokeninfo(
    State(cx): State<Context<IOffice>>,
    headers: HeaderMap,
) -> Response<Body> {
    match try_tokeninfo(&cx, &headers) {
        Ok(info) => answer::json(StatusCode::OK, &info),
        Err(refusal) => respond(refusal, &cx.provider.options),
    }
}

fn try_tokeninfo(cx: &Context<IOffice>, headers: &HeaderMap) -> Result<Value, Refusal> {
    let token = header(headers, "x-token")?;
    let now = cx.world.now();
    let ledger = cx.world.ledger();
    let (Standing::Live, Some(grant)) = ledger.access(token, now) else {
        let description = "the token is unknown or not valid any more";
        return Err(Refusal::new("invalid_token", description));
    };
    let left = ledger
        .access_expiry(token)
        .and_then(|at| at.duration_since(now).ok())
        .unwrap_or_default();
    let left = if cx.provider.options.seconds {
        u128::from(left.as_secs())
    } else {
        left.as_millis()
    };
    let grant = ledger.grant(grant);
    Ok(json!({
        "client_id": grant.client,
        "username": grant.user,
        "scope": grant.scope,
        "expires_in": u64::try_from(left).unwrap_or(u64::MAX),
    }))
}

/// Reads the token from `x-access-token` or the query's `access_token`, not from `Authorization`.
pub(super) async fn me(
    State(cx): State<Context<IOffice>>,
    headers: HeaderMap,
    uri: Uri,
) -> Response<Body> {
    let params = Params::of_uri(&uri);
    let token = match headers.get("x-access-token") {
        Some(value) => value.to_str().ok(),
        None => params.value("access_token"),
    };
    let ledger = cx.world.ledger();
    let (standing, grant) = ledger.access(token.unwrap_or_default(), cx.world.now());
    let (Standing::Live, Some(grant)) = (standing, grant) else {
        let ended = matches!(standing, Standing::Expired | Standing::Replaced);
        let status = if ended && cx.provider.options.rejected_status == RejectedStatus::Vendor {
            StatusCode::FORBIDDEN
        } else {
            StatusCode::UNAUTHORIZED
        };
        let description = if ended {
            "the access token has expired"
        } else {
            "the access token is not valid"
        };
        let refusal = Refusal::new("invalid_token", description).with_status(status);
        return respond(refusal, &cx.provider.options);
    };
    let login = ledger.grant(grant).user.clone();
    let name = cx.world.user(&login).map(|user| user.name.clone());
    answer::json(
        StatusCode::OK,
        &json!({"id": 1, "userName": login, "name": name}),
    )
}
