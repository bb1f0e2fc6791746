//! The tower layer under and over other layers.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokenkeeper::{
    Error,
    tower::{Replay, TokenLayer, TokenService},
};
use tower::{ServiceBuilder, ServiceExt as _};

use crate::{client::get, setup::Setup};

/// A client can be named in a field.
struct Backend {
    client: TokenService<Client<HttpConnector, Replay<Full<Bytes>>>>,
}

fn request(url: &str) -> Request<Full<Bytes>> {
    get(url).map(Full::new)
}

#[tokio::test]
async fn a_named_service_refreshes_under_limits_and_buffers() {
    let setup = Setup::expired().await;
    let http = Client::builder(TokioExecutor::new()).build_http();
    let backend = Backend {
        client: ServiceBuilder::new()
            .layer(TokenLayer::new(setup.account.clone()))
            .service(http),
    };
    let service = ServiceBuilder::new()
        .buffer(8)
        .concurrency_limit(1)
        .timeout(Duration::from_secs(30))
        .service(backend.client);
    for _ in 0..3 {
        let response = service
            .clone()
            .oneshot(request(&setup.api()))
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }
    assert_eq!(setup.emulator.counters().refreshes(), 1);
}

#[tokio::test]
async fn our_error_is_found_through_other_layers() {
    let setup = Setup::expired().await;
    setup.account.disconnect().await.unwrap();
    let http = Client::builder(TokioExecutor::new()).build_http();
    let service = ServiceBuilder::new()
        .buffer(8)
        .layer(TokenLayer::new(setup.account.clone()))
        .service(http);
    let error = service.oneshot(request(&setup.api())).await.unwrap_err();
    let found = Error::find(&*error);
    assert!(
        matches!(found, Some(Error::Disconnected { .. })),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_shared_store_can_be_a_trait_object() {
    let store: Arc<dyn tokenkeeper::store::TokenStore> = Arc::new(tokenkeeper::MemoryStore::new());
    let setup = Setup::expired_in(store).await;
    assert_eq!(setup.account.token().await.unwrap().generation(), 2);
}
