//! The account of each request, from a real engine.

use http::Request;
use tokenkeeper_engine::{Account, Accounts, Error as SourceError, TokenSource as _};
use tokenkeeper_tower::{Anonymous, Error, TokenLayer};
use tower::{Layer as _, ServiceBuilder, ServiceExt as _};
use tower_http::follow_redirect::FollowRedirectLayer;

use crate::support::{self, Api, Text, connected, hyper_client};

fn accounts(apis: &[&Api]) -> Accounts {
    let bases: Vec<_> = apis.iter().map(|api| api.base()).collect();
    support::accounts(&bases)
}

fn get(uri: impl AsRef<str>, account: Option<&Account>) -> Request<Text> {
    let mut request = Request::get(uri.as_ref()).body(Text::default()).unwrap();
    if let Some(account) = account {
        request.extensions_mut().insert(account.clone());
    }
    request
}

#[tokio::test]
async fn each_request_gets_its_accounts_token() {
    let api = Api::start().await;
    let accounts = accounts(&[&api]);
    let alice = connected(&accounts, "plain-0", "alice", "secret-1").await;
    let bob = connected(&accounts, "plain-0", "bob", "secret-2").await;
    let service = TokenLayer::per_request(&accounts).layer(hyper_client());
    for account in [&alice, &bob, &alice] {
        service
            .clone()
            .oneshot(get(api.url("/me"), Some(account)))
            .await
            .unwrap();
    }
    let tokens: Vec<_> = api
        .seen()
        .iter()
        .map(|seen| seen.token().unwrap().to_owned())
        .collect();
    assert_eq!(tokens, ["secret-1", "secret-2", "secret-1"]);
}

#[tokio::test]
async fn without_an_account_a_request_is_refused_unless_it_says_so_or_goes_elsewhere() {
    let (api, foreign) = (Api::start().await, Api::start().await);
    let service = TokenLayer::per_request(&accounts(&[&api])).layer(hyper_client());

    let error = service
        .clone()
        .oneshot(get(api.url("/me"), None))
        .await
        .unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(Error::NoAccount)));
    assert!(api.seen().is_empty());

    let mut request = get(api.url("/me"), None);
    request.extensions_mut().insert(Anonymous);
    service.clone().oneshot(request).await.unwrap();
    service
        .oneshot(get(foreign.url("/me"), None))
        .await
        .unwrap();
    assert_eq!(
        (api.seen()[0].token(), foreign.seen()[0].token()),
        (None, None)
    );
}

#[tokio::test]
async fn an_account_of_one_provider_gives_nothing_to_another() {
    let (first, second) = (Api::start().await, Api::start().await);
    let accounts = accounts(&[&first, &second]);
    let alice = connected(&accounts, "plain-0", "alice", "secret-1").await;
    let service = TokenLayer::per_request(&accounts).layer(hyper_client());
    service
        .oneshot(get(second.url("/me"), Some(&alice)))
        .await
        .unwrap();
    assert_eq!(second.seen()[0].token(), None);
}

#[tokio::test]
async fn f4_one_host_for_two_brands_keeps_their_accounts_apart() {
    let api = Api::start().await;
    let accounts = accounts(&[&api, &api]);
    let qics = connected(&accounts, "plain-0", "alice", "secret-1").await;
    let fortes = connected(&accounts, "plain-1", "alice", "secret-2").await;
    let service = TokenLayer::per_request(&accounts).layer(hyper_client());
    for account in [&qics, &fortes] {
        service
            .clone()
            .oneshot(get(api.url("/me"), Some(account)))
            .await
            .unwrap();
    }
    let tokens: Vec<_> = api
        .seen()
        .iter()
        .map(|seen| seen.token().unwrap().to_owned())
        .collect();
    assert_eq!(
        tokens,
        ["secret-1", "secret-2"],
        "the account decides, not the URL"
    );
}

/// tower-http drops a request's extensions, the account among them, at a hop to another origin.
#[tokio::test]
async fn a_redirect_to_another_configured_provider_is_refused() {
    let (api, other) = (Api::start().await, Api::start().await);
    let accounts = accounts(&[&api, &other]);
    let alice = connected(&accounts, "plain-0", "alice", "secret-1").await;
    let service = ServiceBuilder::new()
        .layer(FollowRedirectLayer::new())
        .layer(TokenLayer::per_request(&accounts))
        .service(hyper_client());
    let to = api.url(&format!("/to?{}", other.url("/me")));
    let error = service.oneshot(get(to, Some(&alice))).await.unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(Error::NoAccount)));
    assert!(other.seen().is_empty());
}

#[tokio::test]
async fn an_account_that_nobody_connected_is_an_error() {
    let api = Api::start().await;
    let accounts = accounts(&[&api]);
    let nobody = accounts.account("plain-0", "nobody").unwrap();
    let service = TokenLayer::per_request(&accounts).layer(hyper_client());
    let error = service
        .oneshot(get(api.url("/me"), Some(&nobody)))
        .await
        .unwrap_err();
    assert!(matches!(
        error.downcast_ref(),
        Some(SourceError::NotConnected { .. })
    ));
    assert!(api.seen().is_empty());
}

#[tokio::test]
async fn an_account_owns_its_origins_however_they_are_spelt_and_no_other() {
    let accounts = support::accounts(&["https://api.example", "http://127.0.0.1:8080"]);
    let plain = connected(&accounts, "plain-0", "alice", "secret").await;
    let loopback = connected(&accounts, "plain-1", "alice", "secret").await;
    let table = [
        (&plain, "https://api.example/me", true),
        (&plain, "https://api.example:443/me", true),
        (&plain, "https://API.example/me", true),
        (&plain, "https://api-0.example/me", true),
        (&plain, "https://api-0.example:443/me", true),
        (&plain, "http://api.example/me", false),
        (&plain, "http://api-0.example/me", false),
        (&plain, "https://api.example:8443/me", false),
        (&plain, "https://alice@api.example/me", false),
        (&plain, "https://api.example@evil.test/me", false),
        (&plain, "https://api.example.evil.test/me", false),
        (&plain, "https://api-1.example/me", false),
        (&plain, "/me", false),
        (&loopback, "http://127.0.0.1:8080/me", true),
        (&loopback, "https://127.0.0.1:8080/me", false),
        (&loopback, "http://127.0.0.1/me", false),
    ];
    for (account, target, owns) in table {
        let target = target.parse().unwrap();
        assert_eq!(account.allows(&target), owns, "{target}");
    }
}
