//! What a request with a valid token costs, in allocations.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use tokenkeeper_engine::protocol::Origin;
use tokenkeeper_tower::{Replay, TokenLayer, TokenPolicy};
use tower::{Layer as _, Service};
use tower_http::auth::AddAuthorizationLayer;

use crate::support::{accounts, connected};

/// A service that is ready with its response at once.
#[derive(Clone)]
struct Bare;

impl<B> Service<Request<B>> for Bare {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Ready<Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        ready(Ok(Response::new(())))
    }
}

/// Requests with 0, 4 and 12 headers, with a name of many values, and with an extension.
fn requests() -> [Request<Empty<Bytes>>; 5] {
    let [mut repeating, mut extended] = [request(4), request(4)];
    for value in 0..30 {
        repeating.headers_mut().append("x-0", value.into());
    }
    extended.extensions_mut().insert("an extension");
    [request(0), request(4), request(12), repeating, extended]
}

fn request(headers: u8) -> Request<Empty<Bytes>> {
    let mut request = Request::get("https://api.example/me");
    for number in 0..headers {
        request = request.header(format!("x-{number}"), "a value");
    }
    request.body(Empty::new()).unwrap()
}

/// Returns the most that one of four calls allocates.
fn allocations<S>(mut service: S, request: &Request<Empty<Bytes>>) -> u64
where
    S: Service<Request<Empty<Bytes>>>,
{
    let mut call = || {
        let request = request.clone();
        let measured = allocation_counter::measure(|| {
            let mut future = std::pin::pin!(service.call(request));
            let polled = Future::poll(
                future.as_mut(),
                &mut Context::from_waker(std::task::Waker::noop()),
            );
            assert!(polled.is_ready());
        });
        measured.count_total
    };
    (0..4).map(|_| call()).max().unwrap()
}

fn fixed() -> TokenPolicy {
    TokenPolicy::fixed("t", [Origin::parse("https://api.example").unwrap()])
}

/// A fixed token, and that of an account.
async fn policies() -> [TokenPolicy; 2] {
    let accounts = accounts(&["https://api.example"]);
    let account = connected(&accounts, "plain-0", "alice", "t").await;
    [fixed(), TokenPolicy::new(account)]
}

fn of_a_static_header(request: &Request<Empty<Bytes>>) -> u64 {
    allocations(AddAuthorizationLayer::bearer("t").layer(Bare), request)
}

#[tokio::test]
async fn without_replay_nothing_is_allocated() {
    for request in requests() {
        let theirs = of_a_static_header(&request);
        for policy in policies().await {
            let ours = allocations(TokenLayer::new(policy.replay(false)).layer(Bare), &request);
            assert_eq!(ours, theirs);
        }
    }
}

#[tokio::test]
async fn with_replay_no_more_than_a_copy_is_allocated() {
    for request in requests() {
        let theirs = of_a_static_header(&request);
        let copy = allocation_counter::measure(|| drop(request.clone())).count_total;
        for policy in policies().await {
            let ours = allocations(TokenLayer::new(policy).layer(Bare), &request);
            assert!(ours <= theirs + copy, "{ours} > {theirs} + {copy}");
        }
    }
}

/// The account moves into the exchange: neither it nor the map that it leaves empty is copied.
#[tokio::test]
async fn a_requests_account_is_not_copied() {
    let accounts = accounts(&["https://api.example"]);
    let account = connected(&accounts, "plain-0", "alice", "t").await;
    for request in requests() {
        let copy = allocation_counter::measure(|| drop(request.clone())).count_total;
        let mut of_account = request;
        of_account.extensions_mut().insert(account.clone());
        let theirs = of_a_static_header(&of_account);
        for (replay, most) in [(false, theirs), (true, theirs + copy)] {
            let policy = TokenPolicy::per_request(&accounts).replay(replay);
            let ours = allocations(TokenLayer::new(policy).layer(Bare), &of_account);
            assert!(ours <= most, "{ours} > {most}, replay: {replay}");
        }
    }
}

#[test]
fn the_service_and_its_future_are_send_if_the_inner_ones_are() {
    fn is_send<T: Send>(_: &T) {}
    let mut service = TokenLayer::new(fixed()).layer(Bare);
    is_send(&service);
    is_send(&Service::<Request<Empty<Bytes>>>::call(
        &mut service,
        request(4),
    ));
    is_send(&Replay::once(Empty::<Bytes>::new()));
}
