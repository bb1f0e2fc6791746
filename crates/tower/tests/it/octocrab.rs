//! Under octocrab, whose bodies share one stream when they are cloned.

use octocrab::{AuthState, Octocrab, OctocrabBuilder, service::middleware::base_uri::BaseUriLayer};
use tokenkeeper_engine::Error as SourceError;
use tower::Layer as _;

use crate::support::{Api, Place, Scripted, hyper_client, token_layer};

fn octocrab(api: &Api, source: Scripted) -> Octocrab {
    OctocrabBuilder::new_empty()
        .with_service(token_layer(source).layer(hyper_client()))
        .with_layer(&BaseUriLayer::new(api.base().parse().unwrap()))
        .with_auth(AuthState::None)
        .build()
        .unwrap()
}

#[tokio::test]
async fn requests_carry_the_token_and_are_replayed_whole() {
    let api = Api::start().await;
    api.takes_from(1);
    let octocrab = octocrab(&api, Scripted::new(api.base(), Place::Authorization));
    let body = serde_json::json!({"title": "a bug"});
    let answer: serde_json::Value = octocrab
        .post("/repos/o/r/issues", Some(&body))
        .await
        .unwrap();
    assert_eq!(answer, body);
    assert_eq!(api.seen().len(), 2);
    let text = body.to_string();
    assert!(api.seen().iter().all(|seen| seen.body == text));
}

#[tokio::test]
async fn the_sources_error_is_found() {
    let api = Api::start().await;
    let octocrab = octocrab(
        &api,
        Scripted::new(api.base(), Place::Authorization).failing(),
    );
    let error = octocrab
        .get::<serde_json::Value, _, ()>("/user", None)
        .await
        .unwrap_err();
    assert!(matches!(
        SourceError::find(&error),
        Some(SourceError::ShutDown)
    ));
}
