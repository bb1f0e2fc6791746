//! A streaming body is replayed whole or not at all; one in memory is left as it is.

use std::sync::atomic::Ordering::SeqCst;

use bytes::Bytes;
use http::{StatusCode, header::CONTENT_LENGTH};
use http_body_util::{
    Full,
    channel::{Channel, Sender},
};
use reqwest::Body;

use crate::support::{Api, Place, Scripted, Seen, over_finished_client, token_middleware};

const LIMIT: usize = 1024;

fn stream() -> (Sender<Bytes>, Body) {
    let (feed, body) = Channel::<Bytes>::new(16);
    (feed, Body::wrap(body))
}

/// Sends `body` to `path` of an API that takes tokens from `secret-1`; `after` feeds the stream once the token was rejected.
async fn post(
    path: &str,
    body: impl Into<Body>,
    after: impl AsyncFnOnce(),
) -> (StatusCode, Vec<Seen>, Scripted) {
    let api = Api::start().await;
    api.takes_from(1);
    let source = Scripted::new(api.base(), Place::Authorization);
    let middleware = token_middleware(source.clone())
        .unwrap()
        .replay_limit(LIMIT);
    let request = over_finished_client(middleware)
        .post(api.url(path))
        .body(body);
    let call = tokio::spawn(request.send());
    while source.replaced.load(SeqCst) + source.rejected.load(SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    after().await;
    let response = call.await.unwrap().unwrap();
    let attempts = if source.replaced.load(SeqCst) == 0 {
        1
    } else {
        2
    };
    (response.status(), api.wait_for(attempts).await, source)
}

fn by_token<'a>(seen: &'a [Seen], token: &str) -> &'a Seen {
    seen.iter().find(|s| s.token() == Some(token)).unwrap()
}

#[tokio::test]
async fn rejected_before_the_body_was_read() {
    let (mut feed, body) = stream();
    let (status, seen, _) = post("/early", body, async || {
        feed.send_data("one ".into()).await.unwrap();
        feed.send_data("two".into()).await.unwrap();
        drop(feed);
    })
    .await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(by_token(&seen, "secret-1").body, "one two");
    assert!(
        !by_token(&seen, "secret-0").whole,
        "the first attempt fails rather than ends"
    );
}

#[tokio::test]
async fn rejected_during_the_body() {
    let (mut feed, body) = stream();
    feed.send_data("one ".into()).await.unwrap();
    let (status, seen, _) = post("/mid", body, async || {
        feed.send_data("two".into()).await.unwrap();
        drop(feed);
    })
    .await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(by_token(&seen, "secret-1").body, "one two");
    assert!(
        !by_token(&seen, "secret-0").whole,
        "the first attempt fails rather than ends"
    );
}

#[tokio::test]
async fn rejected_after_the_body() {
    let (mut feed, body) = stream();
    feed.send_data("one ".into()).await.unwrap();
    feed.send_data("two".into()).await.unwrap();
    drop(feed);
    let (status, seen, _) = post("/me", body, async || {}).await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        seen.iter()
            .all(|attempt| attempt.whole && attempt.body == "one two")
    );
}

#[tokio::test]
async fn over_the_bound_the_response_passes_and_the_refresh_still_happens() {
    let (mut feed, body) = stream();
    feed.send_data(Bytes::from(vec![b'x'; LIMIT + 1]))
        .await
        .unwrap();
    drop(feed);
    let (status, seen, source) = post("/me", body, async || {}).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(seen.len(), 1);
    assert!(seen[0].whole);
    assert_eq!(source.rejected.load(SeqCst), 1);
}

#[tokio::test]
async fn a_stream_known_to_be_over_the_bound_asks_as_one_that_cannot_be_replayed() {
    let body = Body::wrap(Full::<Bytes>::from(vec![b'x'; LIMIT + 1]));
    let (status, _, source) = post("/me", body, async || {}).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(*source.asked.lock().unwrap(), [false]);
}

#[tokio::test]
async fn a_body_in_memory_has_no_bound() {
    let (status, seen, source) = post("/me", vec![b'x'; 10 * LIMIT], async || {}).await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        seen.iter()
            .all(|attempt| attempt.headers[CONTENT_LENGTH] == "10240")
    );
    assert_eq!(*source.asked.lock().unwrap(), [true]);
}
