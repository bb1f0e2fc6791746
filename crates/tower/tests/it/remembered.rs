//! A service that is called again remembers its account's token, for as long as it may be sent.

use std::{
    collections::HashSet,
    convert::Infallible,
    future::{Ready, ready},
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Empty;
use tokenkeeper_emulator::Endpoint;
use tokenkeeper_engine::Account;
use tokenkeeper_test_support::{HOUR, World, settle, spawn_refresh};
use tokenkeeper_tower::{Replay, TokenLayer, TokenPolicy, TokenService};
use tower::{Layer as _, Service};

/// An API that rejects the tokens in a list, and notes the tokens that it gets.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Calls>>);

#[derive(Default)]
struct Calls {
    tokens: Vec<String>,
    rejected: HashSet<String>,
}

impl Service<Request<Replay<Empty<Bytes>>>> for Recorder {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Ready<Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Replay<Empty<Bytes>>>) -> Self::Future {
        let token = request.headers()["authorization"].to_str().unwrap();
        let mut calls = self.0.lock().unwrap();
        calls.tokens.push(token.to_owned());
        let mut response = Response::new(());
        if calls.rejected.contains(token) {
            *response.status_mut() = StatusCode::UNAUTHORIZED;
        }
        ready(Ok(response))
    }
}

impl Recorder {
    fn reject(&self, token: &str) {
        self.0.lock().unwrap().rejected.insert(token.to_owned());
    }
}

/// A service that is not cloned, so that it remembers the token.
struct Client {
    service: TokenService<Recorder>,
    recorder: Recorder,
    uri: String,
}

impl Client {
    /// Makes a client that remembers the account's token.
    async fn new(account: &Account, policy: TokenPolicy) -> Self {
        let recorder = Recorder::default();
        let mut client = Self {
            service: TokenLayer::new(policy).layer(recorder.clone()),
            recorder,
            uri: format!("{}/me", account.site().as_str()),
        };
        let first = client.send().await;
        for _ in 0..3 {
            assert_eq!(client.send().await, first);
        }
        client
    }

    fn call(&mut self) -> impl Future<Output = StatusCode> + use<> {
        let request = Request::get(&self.uri).body(Empty::new()).unwrap();
        let future = self.service.call(request);
        async { future.await.unwrap().status() }
    }

    /// Sends a request, and returns the token that the API got last.
    async fn send(&mut self) -> String {
        assert_eq!(self.call().await, StatusCode::OK);
        self.recorder
            .0
            .lock()
            .unwrap()
            .tokens
            .last()
            .unwrap()
            .clone()
    }

    fn sent(&self) -> usize {
        self.recorder.0.lock().unwrap().tokens.len()
    }
}

async fn connected(world: &World) -> (Account, Client) {
    let account = world.connect_account().await;
    let client = Client::new(&account, TokenPolicy::new(account.clone())).await;
    (account, client)
}

#[tokio::test(start_paused = true)]
async fn an_expired_token_is_refreshed() {
    let world = World::amiqus();
    let (_, mut client) = connected(&world).await;
    let old = client.send().await;
    world.advance(HOUR).await;
    assert_ne!(client.send().await, old);
    assert_eq!(world.token_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_expired_during_a_suspend_is_refreshed() {
    let world = World::amiqus();
    let (_, mut client) = connected(&world).await;
    let old = client.send().await;
    world.clock.jump_ahead(HOUR);
    world.advance(Duration::from_secs(1)).await;
    assert_ne!(client.send().await, old);
}

#[tokio::test(start_paused = true)]
async fn another_processs_refresh_is_seen_at_once() {
    let world = World::amiqus();
    let (_, mut client) = connected(&world).await;
    let old = client.send().await;
    world.account_elsewhere().refresh().await.unwrap();
    settle().await;
    assert_ne!(client.send().await, old);
    assert_eq!(world.token_requests(), 1, "it is the other process's token");
}

#[tokio::test(start_paused = true)]
async fn a_rejected_token_is_replaced_each_time() {
    let world = World::amiqus();
    let (_, mut client) = connected(&world).await;
    // If a success of a remembered token went unnoticed, the second rejection would hold
    // refreshes off.
    for refreshes in 1..=3 {
        let old = client.send().await;
        client.recorder.reject(&old);
        let new = client.send().await;
        assert_ne!(new, old);
        for _ in 0..3 {
            assert_eq!(client.send().await, new);
        }
        assert_eq!(world.token_requests(), refreshes);
    }
}

#[tokio::test(start_paused = true)]
async fn without_replay_a_request_waits_for_a_refresh_in_flight() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    let policy = TokenPolicy::new(account.clone()).replay(false);
    let mut client = Client::new(&account, policy).await;
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let refresh = spawn_refresh(&account);
    gate.arrived(1).await;
    let before = client.sent();
    // Neither the first request nor one that could remember the token sends it.
    let waiting = [(); 3].map(|()| tokio::spawn(client.call()));
    settle().await;
    assert_eq!(client.sent(), before);
    gate.release();
    refresh.await.unwrap().unwrap();
    for waiting in waiting {
        assert_eq!(waiting.await.unwrap(), StatusCode::OK);
    }
}
