//! The redemption of a refresh token (RFC 6749 §6).

use std::time::{Duration, SystemTime};

use super::{Issued, issue};
use crate::ledger::{GrantId, Ledger, Pair, Standing};
use crate::params::Params;
use crate::provider::Context;
use crate::provider::plain::options::Reuse;
use crate::provider::plain::{Plain, scope};
use crate::provider::refusal::Refusal;
use crate::random;

pub(super) fn refresh(
    cx: &Context<Plain>,
    params: &Params,
    client_id: &str,
) -> Result<Issued, Refusal> {
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
    let asked = scope::read(
        cx.provider.options.requests.scope_separator,
        params.value("scope"),
    )?;
    let scope = narrowed(granted_scope, asked)?;
    match standing {
        Standing::Live => {}
        Standing::Replaced => return refresh_again(cx, &mut ledger, grant, value, scope),
        _ => {
            return Err(Refusal::refresh_token(
                "the refresh token was revoked or has expired",
            ));
        }
    }
    let rotation = &cx.provider.options.rotation;
    check_age(rotation.not_before, &ledger, value, now)?;
    if rotation.access_token_dies {
        ledger.replace_access_of(value);
    }
    if !rotation.refresh_token_stays {
        return Ok(issue(cx, &mut ledger, grant, scope, Some(value)));
    }
    let access = random::base64url(32);
    cx.world.add_access(&mut ledger, grant, &access);
    ledger.link(value, &access);
    Ok(Issued {
        access,
        refresh: (!rotation.omit_refresh_token).then(|| value.to_owned()),
        scope,
        left: cx.world.lifetimes.access,
        refresh_left: left(ledger.refresh_expiry(value), now),
        ..Issued::default()
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
    match cx.provider.options.rotation.reuse {
        Reuse::Refuse => {
            return Err(Refusal::refresh_token(
                "the refresh token was redeemed before",
            ));
        }
        Reuse::SamePair(grace) if within(grace) => {
            if let Some((_, Pair { access, refresh })) = redemption {
                return Ok(Issued {
                    left: left(ledger.access_expiry(&access), now),
                    refresh_left: left(ledger.refresh_expiry(&refresh), now),
                    access,
                    refresh: Some(refresh),
                    scope,
                    replaced: true,
                    ..Issued::default()
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

/// Returns the scope of a refresh, which may not exceed the granted one (RFC 6749 §6).
fn narrowed(granted: Option<String>, asked: Option<String>) -> Result<Option<String>, Refusal> {
    let Some(asked) = asked else {
        return Ok(granted);
    };
    let granted: Vec<&str> = granted
        .iter()
        .flat_map(|scopes| scopes.split(' '))
        .collect();
    if asked.split(' ').all(|scope| granted.contains(&scope)) {
        Ok(Some(asked))
    } else {
        Err(Refusal::new("invalid_scope", "more than was granted"))
    }
}

/// Fails if the access token of a refresh token has more than `not_before` left.
fn check_age(
    not_before: Option<Duration>,
    ledger: &Ledger,
    refresh: &str,
    now: SystemTime,
) -> Result<(), Refusal> {
    let access = ledger.access_of(refresh);
    let left = left(access.and_then(|access| ledger.access_expiry(access)), now);
    match (not_before, left) {
        (Some(not_before), Some(left)) if left > not_before => Err(Refusal::new(
            "access_denied",
            "rate limit exceeded: access_token not expired",
        )),
        _ => Ok(()),
    }
}

/// Returns the time until `expiry`.
fn left(expiry: Option<SystemTime>, now: SystemTime) -> Option<Duration> {
    expiry.map(|at| at.duration_since(now).unwrap_or_default())
}
