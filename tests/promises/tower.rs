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
    Account, Error,
    tower::{Anonymous, Replay, TokenLayer, TokenService},
};
use tokenkeeper_test_support::{api::Api, offline};
use tower::{ServiceBuilder, ServiceExt as _};

use crate::{
    client::{Front, get},
    setup::Setup,
};

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
async fn each_request_carries_its_accounts_token_in_both_fronts() {
    for front in Front::ALL {
        let api = Api::start().await;
        let accounts = offline::accounts(&[api.base()]);
        let alice = offline::connected(&accounts, "plain-0", "alice", "secret-1").await;
        let bob = offline::connected(&accounts, "plain-0", "bob", "secret-2").await;
        let client = front.per_request(&accounts);
        for account in [&alice, &bob, &alice] {
            let mut request = get(api.url("/me"));
            request.extensions_mut().insert(Account::clone(account));
            client.send(request).await.unwrap();
        }
        let seen = api.seen();
        let tokens: Vec<_> = seen.iter().map(|seen| seen.token().unwrap()).collect();
        assert_eq!(tokens, ["secret-1", "secret-2", "secret-1"]);
    }
}

#[tokio::test]
async fn without_an_account_only_anonymous_and_foreign_requests_pass() {
    for front in Front::ALL {
        let (api, foreign) = (Api::start().await, Api::start().await);
        let accounts = offline::accounts(&[api.base()]);
        let _alice = offline::connected(&accounts, "plain-0", "alice", "secret-1").await;
        let client = front.per_request(&accounts);
        client.send(get(api.url("/me"))).await.unwrap_err();
        assert!(api.seen().is_empty(), "{front:?}");
        let mut anonymous = get(api.url("/me"));
        anonymous.extensions_mut().insert(Anonymous);
        client.send(anonymous).await.unwrap();
        client.send(get(foreign.url("/me"))).await.unwrap();
        for seen in [&api.seen()[0], &foreign.seen()[0]] {
            assert_eq!(seen.token(), None, "{front:?}");
        }
    }
}

#[tokio::test]
async fn an_account_of_one_provider_gives_nothing_to_another() {
    for front in Front::ALL {
        let (first, second) = (Api::start().await, Api::start().await);
        let accounts = offline::accounts(&[first.base(), second.base()]);
        let alice = offline::connected(&accounts, "plain-0", "alice", "secret-1").await;
        let mut request = get(second.url("/me"));
        request.extensions_mut().insert(alice);
        front.per_request(&accounts).send(request).await.unwrap();
        assert_eq!(second.seen()[0].token(), None, "{front:?}");
    }
}

#[tokio::test]
async fn a_shared_store_can_be_a_trait_object() {
    let store: Arc<dyn tokenkeeper::store::TokenStore> = Arc::new(tokenkeeper::MemoryStore::new());
    let setup = Setup::expired_in(store).await;
    assert_eq!(setup.account.token().await.unwrap().generation(), 2);
}
