//! The account of each request, from a real engine.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use tokenkeeper_engine::{
    Account, Accounts, Transport, TransportError,
    protocol::{Attach, Dialect, Registration, TokenSet},
};
use tokenkeeper_reqwest::{Error, TokenMiddleware};
use tokenkeeper_store_memory::MemoryStore;
use tokenkeeper_tower::Error as FrontError;

use crate::support::{Api, builder, over_finished_client};

/// No test here comes to a token request.
#[derive(Debug)]
struct NoTransport;

#[async_trait]
impl Transport for NoTransport {
    async fn send(
        &self,
        _: Request<Bytes>,
        _: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        Err(TransportError::NotSent("no network".into()))
    }
}

fn accounts(api: &Api, attach: Attach) -> Accounts {
    let mut dialect = Dialect::rfc6749("plain", api.base()).unwrap();
    dialect.attach = attach;
    let registration = Registration::new("client", "https://app.example/cb")
        .unwrap()
        .secret("s");
    Accounts::builder(MemoryStore::new())
        .provider(dialect.with(registration).unwrap())
        .transport(NoTransport)
        .build()
        .unwrap()
}

async fn connected(accounts: &Accounts, subject: &str, token: &str) -> Account {
    let account = accounts.account("plain", subject).unwrap();
    account.adopt(TokenSet::new(token)).await.unwrap();
    account
}

#[tokio::test]
async fn each_request_gets_its_accounts_token() {
    let api = Api::start().await;
    let accounts = accounts(&api, Attach::Bearer);
    let alice = connected(&accounts, "alice", "secret-1").await;
    let bob = connected(&accounts, "bob", "secret-2").await;
    let client = over_finished_client(TokenMiddleware::per_request(&accounts).unwrap());
    for account in [&alice, &bob, &alice] {
        client
            .get(api.url("/me"))
            .with_extension(account.clone())
            .send()
            .await
            .unwrap();
    }
    let tokens: Vec<_> = api
        .seen()
        .iter()
        .map(|s| s.token().unwrap().to_owned())
        .collect();
    assert_eq!(tokens, ["secret-1", "secret-2", "secret-1"]);
}

#[tokio::test]
async fn without_an_account_only_a_foreign_request_passes() {
    let (api, foreign) = (Api::start().await, Api::start().await);
    let accounts = accounts(&api, Attach::Bearer);
    let client = over_finished_client(TokenMiddleware::per_request(&accounts).unwrap());
    client.get(foreign.url("/me")).send().await.unwrap();
    assert_eq!(foreign.seen()[0].token(), None);
    let error = client.get(api.url("/me")).send().await.unwrap_err();
    let reqwest_middleware::Error::Middleware(error) = error else {
        panic!("{error:?}")
    };
    assert!(matches!(
        error.downcast_ref(),
        Some(Error::Request(FrontError::NoAccount))
    ));
    assert!(api.seen().is_empty());
}

#[tokio::test]
async fn a_provider_with_a_header_of_its_own_needs_a_client_of_ours() {
    let api = Api::start().await;
    let accounts = accounts(&api, Attach::Header("x-access-token".to_owned()));
    let refused = TokenMiddleware::per_request(&accounts).unwrap_err();
    assert!(matches!(refused, Error::UnsafeClient));
    let alice = connected(&accounts, "alice", "secret-1").await;
    let client = tokenkeeper_reqwest::client(builder(), &accounts).unwrap();
    client
        .get(api.url("/me"))
        .with_extension(alice)
        .send()
        .await
        .unwrap();
    assert_eq!(api.seen()[0].headers["x-access-token"], "secret-1");
}

#[tokio::test]
async fn an_account_that_nobody_connected_is_an_error() {
    let api = Api::start().await;
    let accounts = accounts(&api, Attach::Bearer);
    let nobody = accounts.account("plain", "nobody").unwrap();
    let client = over_finished_client(TokenMiddleware::new(nobody).unwrap());
    let error = client.get(api.url("/me")).send().await.unwrap_err();
    let found = tokenkeeper_engine::Error::find(&error);
    assert!(
        matches!(found, Some(tokenkeeper_engine::Error::NotConnected { .. })),
        "{error:?}"
    );
}
