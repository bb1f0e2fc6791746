//! The account of each request, from a real engine.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use http::{Request, Response, header::AUTHORIZATION};
use tokenkeeper_engine::{
    Account, Accounts, TokenSource as _,
    protocol::{ClientAuthentication, Dialect, Registration, SitePolicy, TokenSet},
};
use tokenkeeper_test_support::offline::accounts_of;
use tokenkeeper_tower::{Anonymous, Error, Replay, TokenLayer};
use tower::{Layer as _, Service as _, ServiceBuilder, ServiceExt as _, service_fn};
use tower_http::follow_redirect::FollowRedirectLayer;

use crate::support::{self, Api, Text, connected, hyper_client, tokens};

fn accounts(apis: &[&Api]) -> Accounts {
    let bases: Vec<_> = apis.iter().map(|api| api.base()).collect();
    support::accounts(&bases)
}

fn get(uri: impl AsRef<str>, account: &Account) -> Request<Text> {
    let mut request = Request::get(uri.as_ref()).body(Text::default()).unwrap();
    request.extensions_mut().insert(account.clone());
    request
}

#[tokio::test]
async fn f4_brands_at_one_host_keep_their_accounts_apart() {
    let api = Api::start().await;
    let accounts = accounts(&[&api, &api]);
    let qics = connected(&accounts, "plain-0", "alice", "secret-1").await;
    let fortes = connected(&accounts, "plain-1", "alice", "secret-2").await;
    let service = TokenLayer::per_request(&accounts).layer(hyper_client());
    for account in [&qics, &fortes] {
        let request = get(api.url("/me"), account);
        service.clone().oneshot(request).await.unwrap();
    }
    assert_eq!(
        tokens(&api),
        ["secret-1", "secret-2"],
        "the account decides, not the URL"
    );
}

/// An extension, whether there is a token, and the account in the extensions.
type Attempt = (Option<&'static str>, bool, Option<Account>);

/// Sends the request, and returns what the inner service gets.
async fn attempts(accounts: &Accounts, mut request: Request<Text>) -> Vec<Attempt> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let api = service_fn(move |request: Request<Replay<Text>>| {
        let extensions = request.extensions();
        let mark = extensions.get::<&str>().copied();
        let has_token = request.headers().contains_key(AUTHORIZATION);
        let account = extensions.get::<Account>().cloned();
        log.lock().unwrap().push((mark, has_token, account));
        async { Ok::<_, Infallible>(Response::new(())) }
    });
    request.extensions_mut().insert("a mark");
    let service = TokenLayer::per_request(accounts).layer(api);
    service.oneshot(request).await.unwrap();
    let seen = seen.lock().unwrap();
    seen.clone()
}

#[tokio::test]
async fn the_inner_service_gets_a_token_or_the_account() {
    let accounts = support::accounts(&["https://api.example"]);
    let alice = connected(&accounts, "plain-0", "alice", "secret-1").await;
    let own = get("https://api.example/me", &alice);
    assert_eq!(
        attempts(&accounts, own).await,
        [(Some("a mark"), true, None)]
    );

    let untouched = [(Some("a mark"), false, Some(alice.clone()))];
    let other = get("https://other.example/me", &alice);
    assert_eq!(attempts(&accounts, other).await, untouched);
    let mut anonymous = get("https://api.example/me", &alice);
    anonymous.extensions_mut().insert(Anonymous);
    assert_eq!(attempts(&accounts, anonymous).await, untouched);
}

#[tokio::test]
async fn a_typed_site_makes_no_request_of_others_fail() {
    let mut dialect = Dialect::rfc6749("tenants", "https://unused.example").unwrap();
    dialect.base = None;
    dialect.token.client_authentication = ClientAuthentication::None;
    let client = dialect.with(Registration::new("client", "https://app.example/cb"));
    let client = client.unwrap().sites(SitePolicy::predicate(|_| true));
    let accounts = accounts_of(client);
    let typed = "https://api.partner.example";
    let mallory = accounts.account_at("tenants", typed, "mallory").unwrap();
    mallory.connect().unwrap();
    let get = || {
        Request::get(format!("{typed}/v1"))
            .body(Text::default())
            .unwrap()
    };
    let untouched = [(Some("a mark"), false, None)];
    assert_eq!(attempts(&accounts, get()).await, untouched);

    mallory.adopt(TokenSet::new("secret-1")).await.unwrap();
    let service = TokenLayer::per_request(&accounts).layer(hyper_client());
    let error = service.oneshot(get()).await.unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(Error::NoAccount)));
    mallory.forget().await.unwrap();
    assert_eq!(attempts(&accounts, get()).await, untouched);
}

/// At a redirect to another origin tower-http drops a request's extensions, and with them the
/// account.
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
    let error = service.oneshot(get(to, &alice)).await.unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(Error::NoAccount)));
    assert!(other.seen().is_empty());
}

#[tokio::test]
async fn an_account_allows_its_origins_in_any_spelling() {
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
    for (account, target, allowed) in table {
        let target = target.parse().unwrap();
        assert_eq!(account.allows(&target), allowed, "{target}");
    }
}

#[tokio::test]
async fn the_scope_counts_in_which_the_request_is_sent() {
    let api = Api::start().await;
    let accounts = accounts(&[&api]);
    let alice = connected(&accounts, "plain-0", "alice", "secret-1").await;
    let mut service = TokenLayer::per_request(&accounts).layer(hyper_client());
    let mut send = || {
        let request = Request::get(api.url("/me")).body(Text::default());
        service.call(request.unwrap())
    };
    let mut sent = None;
    alice.scope(async { sent = Some(send()) }).await;
    // The response is awaited outside.
    sent.unwrap().await.unwrap();
    assert_eq!(tokens(&api), ["secret-1"]);

    let error = alice.scope(send()).await.unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(Error::NoAccount)));
}

#[tokio::test]
async fn a_scope_of_another_provider_sends_nothing() {
    let (api, other) = (Api::start().await, Api::start().await);
    let accounts = accounts(&[&api, &other]);
    let alice = connected(&accounts, "plain-0", "alice", "secret-1").await;
    let service = TokenLayer::per_request(&accounts).layer(hyper_client());
    let request = Request::get(other.url("/me")).body(Text::default());
    let sent = service.oneshot(request.unwrap());
    let error = alice.scope(sent).await.unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(Error::NoAccount)));
    assert_eq!(tokens(&other), [""; 0]);
}

#[tokio::test]
async fn the_worker_of_a_buffer_sees_no_scope() {
    let api = Api::start().await;
    let accounts = accounts(&[&api]);
    let alice = connected(&accounts, "plain-0", "alice", "secret-1").await;
    let layer = TokenLayer::per_request(&accounts);
    let request = || Request::get(api.url("/me")).body(Text::default()).unwrap();

    let below = || {
        ServiceBuilder::new()
            .buffer(8)
            .layer(layer.clone())
            .service(hyper_client())
    };
    let error = alice.scope(below().oneshot(request())).await.unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(Error::NoAccount)));

    let above = ServiceBuilder::new()
        .layer(layer.clone())
        .buffer(8)
        .service(hyper_client());
    alice.scope(above.oneshot(request())).await.unwrap();
    // A service above the buffer takes the account along.
    let carry = |mut request: Request<Text>| {
        if request.extensions().get::<Account>().is_none()
            && let Some(account) = Account::current()
        {
            request.extensions_mut().insert(account);
        }
        request
    };
    let carried = ServiceBuilder::new().map_request(carry).service(below());
    alice.scope(carried.oneshot(request())).await.unwrap();
    assert_eq!(tokens(&api), ["secret-1", "secret-1"]);
}
