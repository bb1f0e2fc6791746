//! The token endpoint.

use axum::body::Body;
use axum::extract::State;
use bytes::Bytes;
use http::{HeaderMap, Response};
use serde_json::Value;

use super::Amiqus;
use super::error::Refusal;
use super::options::RefreshRedirectUri;
use crate::answer::{Fields, granted};
use crate::ledger::{Pair, Standing};
use crate::params::Params;
use crate::pkce;
use crate::provider::{Context, Provider as _, is_form};

pub(super) async fn token(
    State(cx): State<Context<Amiqus>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let params = if is_form(&headers) {
        Params::parse(&body)
    } else {
        Params::parse(b"")
    };
    match redeem(&cx, &params) {
        Ok(pair) => granted(answer(&cx, pair), true),
        Err(refusal) => refusal.respond(cx.provider.options.generation),
    }
}

fn redeem(cx: &Context<Amiqus>, params: &Params) -> Result<Pair, Refusal> {
    let grant_type = params.value("grant_type");
    if !matches!(grant_type, Some("authorization_code" | "refresh_token")) {
        return Err(Refusal::UnsupportedGrantType);
    }
    if let Some(name) = params.repeated() {
        return Err(Refusal::parameter(name));
    }
    let client_id = params
        .value("client_id")
        .ok_or_else(|| Refusal::parameter("client_id"))?;
    let client = cx.world.client(client_id).ok_or(Refusal::Client)?;
    if client.secret.as_deref() != params.value("client_secret") {
        return Err(Refusal::Client);
    }
    if grant_type == Some("refresh_token") {
        let redirect_uri = params.value("redirect_uri");
        let registered = redirect_uri.is_some_and(|uri| client.registers(uri));
        if cx.provider.options.refresh_redirect_uri == RefreshRedirectUri::Strict && !registered {
            return Err(redirect_uri.map_or_else(
                || Refusal::parameter("redirect_uri"),
                |_| Refusal::RedirectUri,
            ));
        }
        refresh(cx, params, client_id)
    } else {
        exchange(cx, params, client_id)
    }
}

fn exchange(cx: &Context<Amiqus>, params: &Params, client_id: &str) -> Result<Pair, Refusal> {
    let value = params
        .value("code")
        .ok_or_else(|| Refusal::parameter("code"))?;
    let mut ledger = cx.world.ledger();
    let code = ledger.code(value).ok_or(Refusal::Code {
        hint: "Cannot decrypt the authorization code",
    })?;
    if code.expires <= cx.world.now() {
        return Err(Refusal::Code {
            hint: "Authorization code has expired",
        });
    }
    if code.redeemed.is_some() {
        return Err(Refusal::Code {
            hint: "Authorization code has been revoked",
        });
    }
    if code.grant.client != client_id {
        return Err(Refusal::Code {
            hint: "Authorization code was not issued to this client",
        });
    }
    let redirect_uri = params
        .value("redirect_uri")
        .ok_or_else(|| Refusal::parameter("redirect_uri"))?;
    if code.grant.redirect_uri.as_deref() != Some(redirect_uri) {
        return Err(Refusal::RedirectUri);
    }
    match (params.value("code_verifier"), &code.challenge) {
        (None, None) => {}
        (Some(verifier), Some(challenge)) if pkce::well_formed(verifier) => {
            if !pkce::matches(verifier, challenge) {
                return Err(Refusal::Verifier);
            }
        }
        _ => return Err(Refusal::parameter("code_verifier")),
    }
    let grant = ledger.redeem_code(value).ok_or(Refusal::Code {
        hint: "Cannot decrypt the authorization code",
    })?;
    let pair = cx.provider.mint();
    cx.world.add_pair(&mut ledger, grant, &pair);
    Ok(pair)
}

fn refresh(cx: &Context<Amiqus>, params: &Params, client_id: &str) -> Result<Pair, Refusal> {
    // The document's example sends `code` instead of the refresh token, which is not accepted.
    if params.has("code") {
        return Err(Refusal::parameter("code"));
    }
    let value = params
        .value("refresh_token")
        .ok_or_else(|| Refusal::parameter("refresh_token"))?;
    let now = cx.world.now();
    let mut ledger = cx.world.ledger();
    let grant = match ledger.refresh(value, now) {
        (Standing::Live, Some(grant)) => grant,
        (Standing::Expired, _) => {
            return Err(Refusal::RefreshToken {
                hint: "Token has expired",
            });
        }
        (Standing::Replaced | Standing::Revoked, _) => {
            return Err(Refusal::RefreshToken {
                hint: "Token has been revoked",
            });
        }
        (Standing::Unknown | Standing::Live, _) => {
            return Err(Refusal::RefreshToken {
                hint: "Cannot decrypt the refresh token",
            });
        }
    };
    if ledger.grant(grant).client != client_id {
        return Err(Refusal::RefreshToken {
            hint: "Token is not linked to client",
        });
    }
    let pair = cx.provider.mint();
    ledger.replace_pair(value);
    cx.world.add_pair(&mut ledger, grant, &pair);
    Ok(pair)
}

fn answer(cx: &Context<Amiqus>, pair: Pair) -> Fields {
    let seconds = cx.world.lifetimes.access.map_or(0, |life| life.as_secs());
    Fields::json([
        ("token_type", Value::from("Bearer")),
        ("expires_in", seconds.into()),
        ("access_token", pair.access.into()),
        ("refresh_token", pair.refresh.into()),
    ])
}
