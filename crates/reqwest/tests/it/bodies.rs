//! A streaming body is replayed whole or not at all. One in memory is not changed.

use http::{StatusCode, header::CONTENT_LENGTH};
use reqwest::Body;
use tokenkeeper_reqwest::{TokenMiddleware, TokenPolicy};
use tokenkeeper_test_support::streams::{self, LIMIT, Stream};

use crate::support::{Scripted, over_finished_client};

async fn post(url: String, policy: TokenPolicy, body: impl Into<Body>) -> StatusCode {
    let middleware = TokenMiddleware::new(policy.replay_limit(LIMIT)).unwrap();
    let request = over_finished_client(middleware).post(url).body(body);
    request.send().await.unwrap().status()
}

fn post_stream(
    url: String,
    source: Scripted,
    body: Stream,
) -> impl Future<Output = StatusCode> + Send + 'static {
    post(url, TokenPolicy::from_source(source), Body::wrap(body))
}

#[tokio::test]
async fn a_stream_is_replayed_whole_whenever_the_rejection_comes() {
    streams::check_replay(post_stream).await;
}

#[tokio::test]
async fn a_stream_over_the_limit_is_not_replayed() {
    streams::check_limit(post_stream).await;
}

#[tokio::test]
async fn a_body_in_memory_has_no_limit() {
    let body = vec![b'x'; 10 * LIMIT];
    let call = |url, source| post(url, TokenPolicy::from_source(source), body);
    let (status, seen, source) = streams::reject("/me", call, async || {}).await;
    assert_eq!(status, StatusCode::OK);
    let mut lengths = seen.iter().map(|attempt| &attempt.headers[CONTENT_LENGTH]);
    assert!(lengths.all(|length| length == "10240"));
    assert_eq!(*source.asked.lock().unwrap(), [true]);
}

#[tokio::test]
async fn without_replay_a_rejection_is_only_reported() {
    let policy = |source| TokenPolicy::from_source(source).replay(false);
    let call = |url, source| post(url, policy(source), "a body");
    let (status, seen, source) = streams::reject("/me", call, async || {}).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(seen.len(), 1);
    assert_eq!(*source.asked.lock().unwrap(), [false]);
}
