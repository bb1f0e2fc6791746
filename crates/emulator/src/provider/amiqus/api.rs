//! The part of the vendor's API that tests call.

use std::sync::PoisonError;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::extract::State;
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde_json::json;

use super::Amiqus;
use crate::answer::{empty, json};
use crate::ledger::Standing;
use crate::provider::{Context, bearer};

/// The window of the rate limit. The document names none.
const WINDOW: Duration = Duration::from_secs(60);

pub(super) async fn me(State(cx): State<Context<Amiqus>>, headers: HeaderMap) -> Response<Body> {
    call(&cx, &headers, |cx, login| {
        let Some(user) = cx.world.user(login).filter(|user| user.permitted) else {
            return json(
                StatusCode::FORBIDDEN,
                &json!({"message": "This action is unauthorized."}),
            );
        };
        let id = cx
            .world
            .users
            .iter()
            .position(|other| other.login == user.login)
            .unwrap_or(0)
            + 345_789;
        json(
            StatusCode::OK,
            &json!({
                "object": "user",
                "id": id,
                "name": user.name,
                "email": user.login,
                "is_verified": true,
                "is_disabled": false,
                "created_at": "2019-08-24T14:15:22Z",
                "updated_at": "2019-08-24T14:15:22Z",
            }),
        )
    })
}

pub(super) async fn status(
    State(cx): State<Context<Amiqus>>,
    headers: HeaderMap,
) -> Response<Body> {
    call(&cx, &headers, |_, _| empty(StatusCode::NO_CONTENT))
}

pub(super) async fn not_found() -> Response<Body> {
    json(StatusCode::NOT_FOUND, &json!({"error": "Not Found."}))
}

/// Checks the token and counts the call.
fn call(
    cx: &Context<Amiqus>,
    headers: &HeaderMap,
    answer: impl FnOnce(&Context<Amiqus>, &str) -> Response<Body>,
) -> Response<Body> {
    let Some(login) = bearer(headers).and_then(|token| user_of(cx, token)) else {
        return json(
            StatusCode::UNAUTHORIZED,
            &json!({"error": "Unauthenticated."}),
        );
    };
    let limit = cx.provider.options.rate_limit;
    let now = cx.world.now();
    let (began, used) = count(cx, &login, now);
    let over = used > limit && cx.provider.options.enforce_rate_limit;
    let mut response = if over {
        json(
            StatusCode::TOO_MANY_REQUESTS,
            &json!({"message": "Too Many Attempts."}),
        )
    } else {
        answer(cx, &login)
    };
    let headers = response.headers_mut();
    headers.insert("x-ratelimit-limit", HeaderValue::from(limit));
    headers.insert(
        "x-ratelimit-remaining",
        HeaderValue::from(limit.saturating_sub(used)),
    );
    if over {
        let reset = began + WINDOW;
        let wait = reset.duration_since(now).map_or(0, |wait| wait.as_secs());
        let epoch = reset
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        headers.insert(RETRY_AFTER, HeaderValue::from(wait));
        headers.insert("x-ratelimit-reset", HeaderValue::from(epoch));
    }
    response
}

fn user_of(cx: &Context<Amiqus>, token: &str) -> Option<String> {
    let ledger = cx.world.ledger();
    match ledger.access(token, cx.world.now()) {
        (Standing::Live, Some(grant)) => Some(ledger.grant(grant).user.clone()),
        _ => None,
    }
}

/// Counts a call of a user, over all of the user's tokens.
fn count(cx: &Context<Amiqus>, login: &str, now: SystemTime) -> (SystemTime, u32) {
    let mut calls = cx
        .provider
        .calls
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let entry = calls.entry(login.to_owned()).or_insert((now, 0));
    if now.duration_since(entry.0).is_ok_and(|age| age >= WINDOW) {
        *entry = (now, 0);
    }
    entry.1 = entry.1.saturating_add(1);
    *entry
}
