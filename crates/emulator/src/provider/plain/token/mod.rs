//! The token endpoint (RFC 6749 §4.1.3 and §6, RFC 8628 §3.4).

mod answer;
mod refresh;

use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use bytes::Bytes;
use http::{Response, request};

use self::refresh::refresh;
use super::error::respond_to_token;
use super::request::{GrantType, TokenRequest};
use super::{Plain, device};
use crate::ledger::{GrantId, Ledger};
use crate::params::Params;
use crate::provider::refusal::Refusal;
use crate::provider::{Context, Provider as _};
use crate::{pkce, random};

pub(super) use answer::format;

pub(super) async fn token(
    State(cx): State<Context<Plain>>,
    head: request::Parts,
    body: Bytes,
) -> Response<Body> {
    let redeemed = TokenRequest::read(&cx, &head, &body).and_then(|request| {
        let (params, client_id) = (&request.params, &request.client.id);
        match request.grant {
            GrantType::Code => exchange(&cx, params, client_id),
            GrantType::RefreshToken => refresh(&cx, params, client_id),
            GrantType::DeviceCode => device::poll(&cx, params, client_id),
        }
    });
    match redeemed {
        Ok(issued) => answer::respond(&cx, &head.headers, issued),
        Err(refusal) => respond_to_token(&cx, &head.headers, &refusal),
    }
}

/// The tokens of a response.
#[derive(Default)]
pub(super) struct Issued {
    access: String,
    refresh: Option<String>,
    scope: Option<String>,
    /// Scopes of further parameters, by their names.
    further_scopes: Vec<(String, String)>,
    /// Whether the refresh token replaces the presented one.
    replaced: bool,
    /// The remaining lifetime of the access token.
    left: Option<Duration>,
    /// The remaining lifetime of the refresh token.
    refresh_left: Option<Duration>,
    /// Whether a code or a device code was redeemed, and not a refresh token.
    of_code: bool,
}

fn exchange(cx: &Context<Plain>, params: &Params, client_id: &str) -> Result<Issued, Refusal> {
    let value = params
        .value("code")
        .ok_or_else(|| Refusal::missing("code"))?;
    let mut ledger = cx.world.ledger();
    let code = ledger
        .code(value)
        .ok_or_else(|| Refusal::code("the code is unknown"))?
        .clone();
    if code.grant.client != client_id {
        return Err(Refusal::code("the code was issued to another client"));
    }
    if let Some(grant) = code.redeemed {
        // RFC 6749 §4.1.2: tokens issued for a reused code should be revoked.
        ledger.revoke_grant(grant);
        return Err(Refusal::code("the code was redeemed before"));
    }
    if code.expires <= cx.world.now() {
        return Err(Refusal::code("the code has expired"));
    }
    let checked = !cx.provider.options.requests.ignore_redirect_uri;
    if checked && code.grant.redirect_uri.as_deref() != params.value("redirect_uri") {
        return Err(Refusal::code(
            "redirect_uri differs from that of the authorization request",
        ));
    }
    match (params.value("code_verifier"), &code.challenge) {
        (None, None) => {}
        (Some(verifier), Some(challenge)) if pkce::matches(verifier, challenge) => {}
        (Some(_), Some(_)) => return Err(Refusal::code("code_verifier does not match")),
        (Some(_), None) => return Err(Refusal::request("code_verifier without a challenge")),
        (None, Some(_)) => return Err(Refusal::code("code_verifier is missing")),
    }
    let grant = ledger
        .redeem_code(value)
        .ok_or_else(|| Refusal::code("the code is unknown"))?;
    let mut issued = if code.grant.online {
        let access = random::base64url(32);
        cx.world.add_access(&mut ledger, grant, &access);
        Issued {
            access,
            scope: code.grant.scope,
            left: cx.world.lifetimes.access,
            of_code: true,
            ..Issued::default()
        }
    } else {
        issue(cx, &mut ledger, grant, code.grant.scope, None)
    };
    issued.further_scopes = code.grant.further_scopes;
    Ok(issued)
}

pub(super) fn issue(
    cx: &Context<Plain>,
    ledger: &mut Ledger,
    grant: GrantId,
    scope: Option<String>,
    presented: Option<&str>,
) -> Issued {
    let pair = cx.provider.mint();
    cx.world.add_pair(ledger, grant, &pair);
    if let Some(presented) = presented {
        ledger.note_redemption(presented, cx.world.now(), &pair);
        ledger.replace_refresh(presented);
    }
    Issued {
        access: pair.access,
        refresh: Some(pair.refresh),
        scope,
        replaced: presented.is_some(),
        left: cx.world.lifetimes.access,
        refresh_left: cx.world.lifetimes.refresh,
        of_code: presented.is_none(),
        ..Issued::default()
    }
}
