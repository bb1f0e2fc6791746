//! A resource that the emulator adds.

use axum::body::Body;
use axum::extract::State;
use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde_json::json;

use super::Milestones;
use crate::answer::json;
use crate::ledger::Standing;
use crate::provider::{Context, bearer};

pub(super) async fn projects(
    State(cx): State<Context<Milestones>>,
    headers: HeaderMap,
) -> Response<Body> {
    let token = bearer(&headers).unwrap_or_default();
    let ledger = cx.world.ledger();
    let (Standing::Live, Some(grant)) = ledger.access(token, cx.world.now()) else {
        let mut response = json(StatusCode::UNAUTHORIZED, &json!({"error": "invalid_token"}));
        let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        return response;
    };
    json(
        StatusCode::OK,
        &json!([{"id": 1, "name": "Milestone one", "owner": ledger.grant(grant).user}]),
    )
}
