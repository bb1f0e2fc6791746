//! The token endpoint (RFC 6749 §4.1.3 and §6).

use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use bytes::Bytes;
use http::{HeaderMap, Response};
use serde_json::Value;

use super::Plain;
use super::client::authenticated;
use super::error::respond;
use super::options::Reuse;
use crate::answer::{Fields, granted};
use crate::ledger::{GrantId, Ledger, Pair, Standing};
use crate::params::Params;
use crate::provider::refusal::Refusal;
use crate::provider::{Context, Provider as _};
use crate::{pkce, random};

pub(super) async fn token(
    State(cx): State<Context<Plain>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let redeemed = authenticated(&cx, &headers, &body).and_then(|(client, params)| {
        match params.value("grant_type") {
            Some("authorization_code") => exchange(&cx, &params, &client.id),
            Some("refresh_token") => refresh(&cx, &params, &client.id),
            Some(_) => Err(Refusal::new(
                "unsupported_grant_type",
                "authorization_code or refresh_token",
            )),
            None => Err(Refusal::missing("grant_type")),
        }
    });
    match redeemed {
        Ok(issued) => answer(&cx, issued),
        Err(refusal) => respond(refusal, cx.provider.options.errors_in_200),
    }
}

/// The tokens of a response.
struct Issued {
    access: String,
    refresh: Option<String>,
    scope: Option<String>,
    /// Whether the refresh token replaces the presented one.
    replaced: bool,
    /// The remaining lifetime of the access token.
    left: Option<Duration>,
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
    if code.grant.redirect_uri.as_deref() != params.value("redirect_uri") {
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
    Ok(issue(cx, &mut ledger, grant, code.grant.scope, None))
}

fn refresh(cx: &Context<Plain>, params: &Params, client_id: &str) -> Result<Issued, Refusal> {
    let value = params
        .value("refresh_token")
        .ok_or_else(|| Refusal::missing("refresh_token"))?;
    let now = cx.world.now();
    let mut ledger = cx.world.ledger();
    let (standing, Some(grant)) = ledger.refresh(value, now) else {
        return Err(Refusal::refresh_token("the refresh token is unknown"));
    };
    if ledger.grant(grant).client != client_id {
        return Err(Refusal::refresh_token(
            "the refresh token was issued to another client",
        ));
    }
    let granted_scope = ledger.grant(grant).scope.clone();
    let scope = narrowed(granted_scope.as_deref(), params.value("scope"))?;
    match standing {
        Standing::Live => {}
        Standing::Replaced => return refresh_again(cx, &mut ledger, grant, value, scope),
        _ => {
            return Err(Refusal::refresh_token(
                "the refresh token was revoked or has expired",
            ));
        }
    }
    if cx.provider.options.access_token_dies_at_refresh {
        ledger.replace_access_of(value);
    }
    if !cx.provider.options.refresh_token_stays {
        return Ok(issue(cx, &mut ledger, grant, scope, Some(value)));
    }
    let access = random::base64url(32);
    ledger.add_access(
        grant,
        access.clone(),
        cx.world.lifetimes.access.map(|life| now + life),
    );
    ledger.link(value, &access);
    let refresh = (!cx.provider.options.omit_refresh_token).then(|| value.to_owned());
    Ok(Issued {
        access,
        refresh,
        scope,
        replaced: false,
        left: cx.world.lifetimes.access,
    })
}

/// Answers a refresh token that was redeemed before.
fn refresh_again(
    cx: &Context<Plain>,
    ledger: &mut Ledger,
    grant: GrantId,
    value: &str,
    scope: Option<String>,
) -> Result<Issued, Refusal> {
    let now = cx.world.now();
    let redemption = ledger.redemption(value).cloned();
    let within = |grace: Duration| {
        redemption
            .as_ref()
            .is_some_and(|(at, _)| now.duration_since(*at).is_ok_and(|age| age <= grace))
    };
    match cx.provider.options.reuse {
        Reuse::Refuse => {
            return Err(Refusal::refresh_token(
                "the refresh token was redeemed before",
            ));
        }
        Reuse::SamePair(grace) if within(grace) => {
            if let Some((_, Pair { access, refresh })) = redemption {
                let left = ledger
                    .access_expiry(&access)
                    .map(|at| at.duration_since(now).unwrap_or_default());
                return Ok(Issued {
                    access,
                    refresh: Some(refresh),
                    scope,
                    replaced: true,
                    left,
                });
            }
        }
        Reuse::FreshPair(grace) if within(grace) => {
            return Ok(issue(cx, ledger, grant, scope, Some(value)));
        }
        _ => {}
    }
    ledger.revoke_grant(grant);
    Err(Refusal::refresh_token(
        "the refresh token was redeemed before: the grant is revoked",
    ))
}

fn issue(
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
    let left = cx.world.lifetimes.access;
    Issued {
        access: pair.access,
        refresh: Some(pair.refresh),
        scope,
        replaced: presented.is_some(),
        left,
    }
}

/// Returns the scope of a refresh, which may not exceed the granted one (RFC 6749 §6).
fn narrowed(granted: Option<&str>, asked: Option<&str>) -> Result<Option<String>, Refusal> {
    let Some(asked) = asked else {
        return Ok(granted.map(str::to_owned));
    };
    let granted: Vec<&str> = granted.unwrap_or_default().split(' ').collect();
    if asked.split(' ').all(|scope| granted.contains(&scope)) {
        Ok(Some(asked.to_owned()))
    } else {
        Err(Refusal::new("invalid_scope", "more than was granted"))
    }
}

fn answer(cx: &Context<Plain>, issued: Issued) -> Response<Body> {
    let mut fields = vec![
        ("access_token", Value::from(issued.access)),
        ("token_type", "Bearer".into()),
    ];
    if let Some(left) = issued.left.filter(|_| !cx.provider.options.omit_expires_in) {
        fields.push(("expires_in", left.as_secs().into()));
    }
    fields.extend(
        issued
            .refresh
            .map(|refresh| ("refresh_token", refresh.into())),
    );
    fields.extend(issued.scope.map(|scope| ("scope", scope.into())));
    granted(Fields::json(fields), issued.replaced)
}
