//! What is special about rejections in the layer. What holds for every front is tested at the
//! exchange and at the facade.

use std::sync::atomic::Ordering::SeqCst;

use http::{Request, StatusCode};
use tokenkeeper_tower::{TokenLayer, TokenPolicy};
use tower::{Layer as _, ServiceExt as _};

use crate::support::{Api, Place, Scripted, Text, hyper_client, token_layer};

fn post(uri: impl AsRef<str>) -> Request<Text> {
    Request::post(uri.as_ref())
        .body(Text::from("a body"))
        .unwrap()
}

#[tokio::test]
async fn without_replay_a_rejection_is_only_reported() {
    let api = Api::start().await;
    api.takes_from(1);
    let source = Scripted::new(api.base(), Place::Authorization);
    let policy = TokenPolicy::from_source(source.clone()).replay(false);
    let service = TokenLayer::new(policy).layer(hyper_client());
    let response = service.oneshot(post(api.url("/me"))).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(source.rejected.load(SeqCst), 1);
    assert_eq!(source.replaced.load(SeqCst), 0);
}

#[tokio::test]
async fn the_inner_services_error_is_not_wrapped() {
    let api = Api::start().await;
    let layer = token_layer(Scripted::new(api.base(), Place::Authorization));
    let service = layer.layer(tower::service_fn(async |_: Request<_>| {
        Err::<http::Response<()>, _>(std::io::Error::other("connection cut"))
    }));
    let error = service.oneshot(post(api.url("/me"))).await.unwrap_err();
    assert!(error.is::<std::io::Error>());
}
