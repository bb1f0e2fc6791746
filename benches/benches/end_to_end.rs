//! A request over loopback to a hyper server that answers at once.
//!
//! Sent by reqwest and by hyper-util's client, with a static header and with tokenkeeper, one after
//! the other over one connection.

use std::{convert::Infallible, net::SocketAddr, time::Duration};

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use http::{HeaderValue, Request, Response, StatusCode, header::AUTHORIZATION};
use http_body_util::{BodyExt as _, Empty};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioIo},
};
use tokenkeeper_benches::{NoTransport, connect, registration, token, tokens};
use tokenkeeper_engine::{Account, Accounts};
use tokenkeeper_provider_amiqus::Amiqus;
use tokenkeeper_reqwest::TokenMiddleware;
use tokenkeeper_store_memory::MemoryStore;
use tokenkeeper_tower::TokenLayer;
use tokio::{net::TcpListener, runtime::Runtime};
use tower::{Layer as _, Service, ServiceExt as _};
use tower_http::auth::AddAuthorizationLayer;

fn end_to_end(criterion: &mut Criterion) {
    rustls::crypto::ring::default_provider()
        .install_default()
        .expect("no other provider is installed");
    let base = format!("http://{}", serve());
    let url = format!("{base}/api/v2/me");
    let runtime = runtime();
    let account = runtime.block_on(connected(&base));
    hyper(criterion, &runtime, &url, &account);
    reqwest(criterion, &runtime, &url, &account);
}

fn hyper(criterion: &mut Criterion, runtime: &Runtime, url: &str, account: &Account) {
    let mut group = criterion.benchmark_group("end to end/hyper");
    let client = Client::builder(TokioExecutor::new()).build_http();
    let theirs = AddAuthorizationLayer::bearer(&token()).layer(client);
    group.bench_function("a static header", |b| {
        b.iter(|| runtime.block_on(call(theirs.clone(), url)));
    });
    let client = Client::builder(TokioExecutor::new()).build_http();
    let ours = TokenLayer::new(account.clone()).layer(client);
    group.bench_function("tokenkeeper", |b| {
        b.iter(|| runtime.block_on(call(ours.clone(), url)));
    });
}

async fn call<S, B>(service: S, url: &str)
where
    S: Service<Request<Empty<Bytes>>, Response = Response<B>>,
    S::Error: std::fmt::Debug,
    B: hyper::body::Body<Error: std::fmt::Debug>,
{
    let request = Request::get(url)
        .body(Empty::new())
        .expect("the URL is valid");
    let response = service.oneshot(request).await;
    let response = response.expect("the server answers");
    assert_eq!(response.status(), StatusCode::OK);
    let body = response.into_body().collect().await;
    drop(body.expect("the body is complete"));
}

fn reqwest(criterion: &mut Criterion, runtime: &Runtime, url: &str, account: &Account) {
    let mut group = criterion.benchmark_group("end to end/reqwest");
    // The same client for both: reqwest-middleware has a cost too.
    let theirs = reqwest_middleware::ClientBuilder::new(reqwest::Client::new()).build();
    let bearer = HeaderValue::try_from(format!("Bearer {}", token())).expect("the token is ASCII");
    group.bench_function("a static header", |b| {
        b.iter(|| {
            runtime.block_on(async {
                let request = theirs.get(url).header(AUTHORIZATION, &bearer);
                check(request.send().await.expect("the server answers")).await;
            });
        });
    });
    let middleware = TokenMiddleware::new(account.clone()).expect("the provider uses a header");
    let ours = reqwest_middleware::ClientBuilder::new(reqwest::Client::new())
        .with(middleware)
        .build();
    group.bench_function("tokenkeeper", |b| {
        b.iter(|| {
            runtime.block_on(async {
                let answer = ours.get(url).send().await;
                check(answer.expect("the server answers")).await;
            });
        });
    });
}

async fn check(response: reqwest::Response) {
    assert_eq!(response.status(), StatusCode::OK);
    let body = response.bytes().await;
    drop(body.expect("the body is complete"));
}

async fn connected(base: &str) -> Account {
    let provider = Amiqus::new(registration()).expect("the registration has a secret");
    let accounts = Accounts::builder(MemoryStore::new())
        .provider(provider.base(base).expect("loopback needs no TLS"))
        .transport(NoTransport)
        .build()
        .expect("store, provider and transport are set");
    connect(&accounts, "user-1", tokens(Duration::from_secs(3600))).await
}

/// Starts a server on its own thread, which runs until the process ends.
fn serve() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("the listener is bound");
    std::thread::spawn(move || {
        runtime().block_on(async move {
            listener.set_nonblocking(true).expect("the socket is open");
            let listener = TcpListener::from_std(listener).expect("the runtime has a driver");
            loop {
                let (stream, _) = listener.accept().await.expect("the listener stays open");
                stream.set_nodelay(true).expect("the socket is open");
                let answer = service_fn(|_| async {
                    Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
            }
        });
    });
    address
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts")
}

criterion_group!(benches, end_to_end);
criterion_main!(benches);
