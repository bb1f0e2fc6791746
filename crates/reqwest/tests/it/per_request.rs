//! The account of each request, from a real engine.

use tokenkeeper_engine::protocol::AttachmentMethod;
use tokenkeeper_reqwest::{Error, TokenMiddleware};
use tokenkeeper_test_support::offline::{accounts_with, connected};

use crate::support::{Api, builder, retrying};

#[tokio::test]
async fn a_provider_with_another_header_needs_a_safe_client() {
    let api = Api::start().await;
    let accounts = accounts_with(&[api.base()], |dialect| {
        dialect.attach = AttachmentMethod::Header("x-access-token".to_owned());
    });
    let refused = TokenMiddleware::per_request(&accounts).unwrap_err();
    assert!(matches!(refused, Error::UnsafeClient));
    let alice = connected(&accounts, "plain-0", "alice", "secret-1").await;
    let client = tokenkeeper_reqwest::client(builder(), &accounts).unwrap();
    let request = client.get(api.url("/me")).with_extension(alice);
    request.send().await.unwrap();
    assert_eq!(api.seen()[0].headers["x-access-token"], "secret-1");
}

#[tokio::test]
async fn a_scope_holds_for_each_retry() {
    let api = Api::start().await;
    let accounts = accounts_with(&[api.base()], |_| ());
    let alice = connected(&accounts, "plain-0", "alice", "secret-1").await;
    let token = TokenMiddleware::per_request(&accounts).unwrap();
    let client = retrying(token, 2);
    let response = alice.scope(client.get(api.url("/broken")).send()).await;
    assert_eq!(response.unwrap().status(), 500);
    let seen = api.seen();
    let tokens: Vec<_> = seen.iter().map(|seen| seen.token().unwrap()).collect();
    assert_eq!(tokens, ["secret-1"; 3]);
}
