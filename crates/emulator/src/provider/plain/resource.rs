//! A resource of the API (RFC 6750).

use axum::body::Body;
use axum::extract::State;
use bytes::Bytes;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode, request};
use serde_json::json;

use super::Plain;
use super::options::ApiCredential;
use super::request::check_headers;
use crate::answer;
use crate::ledger::Standing;
use crate::params::Params;
use crate::provider::Context;
use crate::server::Host;

/// Answers GET, POST and PUT, so that tests can send a body.
pub(super) async fn me(
    State(cx): State<Context<Plain>>,
    head: request::Parts,
    body: Bytes,
) -> Response<Body> {
    let options = &cx.provider.options.api;
    if let Err(refusal) = check_headers(&options.headers, &head.headers) {
        let body = json!({"error": refusal.error(), "error_description": refusal.description()});
        return answer::json(StatusCode::BAD_REQUEST, &body);
    }
    let credential = &options.credential;
    let Some(token) = token(credential, &head) else {
        return rejected(credential, StatusCode::UNAUTHORIZED, "");
    };
    let ledger = cx.world.ledger();
    let grant = match ledger.access(&token, cx.world.now()) {
        (Standing::Live, Some(grant)) if is_served(&cx, &head) => ledger.grant(grant),
        _ => {
            let error = ", error=\"invalid_token\"";
            return rejected(credential, StatusCode::UNAUTHORIZED, error);
        }
    };
    let granted = grant.scope.as_deref().unwrap_or_default();
    match &options.scope {
        Some(scope) if !granted.split(' ').any(|granted| granted == scope) => {
            let error = format!(", error=\"insufficient_scope\", scope=\"{scope}\"");
            rejected(credential, StatusCode::FORBIDDEN, &error)
        }
        _ => answer::json(
            StatusCode::OK,
            &json!({"login": grant.user, "received_bytes": body.len()}),
        ),
    }
}

/// Returns whether the server that the request reached has the API.
fn is_served(cx: &Context<Plain>, head: &request::Parts) -> bool {
    cx.world.api_base.is_none() || head.extensions.get() == Some(&Host::Api)
}

/// Returns the token if it is where the API takes it.
fn token(credential: &ApiCredential, head: &request::Parts) -> Option<String> {
    let header = |name: &str| head.headers.get(name)?.to_str().ok();
    let authorization = || header(AUTHORIZATION.as_str())?.split_once(' ');
    match credential {
        ApiCredential::Bearer => authorization()
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.to_owned()),
        ApiCredential::Scheme(own) => authorization()
            .filter(|(scheme, _)| scheme == own)
            .map(|(_, token)| token.to_owned()),
        ApiCredential::Header(name) => header(name).map(str::to_owned),
        ApiCredential::Query(name) => Params::of_uri(&head.uri).value(name).map(str::to_owned),
    }
}

/// Responds with a challenge (RFC 6750 §3), if the token belongs into `Authorization`.
fn rejected(credential: &ApiCredential, status: StatusCode, error: &str) -> Response<Body> {
    let mut response = answer::empty(status);
    let scheme = match credential {
        ApiCredential::Bearer => "Bearer",
        ApiCredential::Scheme(own) => own,
        ApiCredential::Header(_) | ApiCredential::Query(_) => return response,
    };
    if let Ok(value) = HeaderValue::try_from(format!("{scheme} realm=\"emulator\"{error}")) {
        response.headers_mut().insert(WWW_AUTHENTICATE, value);
    }
    response
}
