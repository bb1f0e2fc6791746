//! A streaming body is replayed whole or not at all.

use std::sync::atomic::Ordering::SeqCst;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header};
use http_body::Body;
use http_body_util::{BodyExt as _, Full, channel::Channel};
use tokenkeeper_test_support::streams::{self, LIMIT};
use tokenkeeper_tower::{BoxError, Replay, TokenLayer, TokenPolicy};
use tower::{Layer as _, ServiceExt as _};

use crate::support::{Api, Place, Scripted, Seen, hyper_client, token_layer};

async fn post<B>(url: String, source: Scripted, body: B) -> StatusCode
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    let policy = TokenPolicy::from_source(source).replay_limit(LIMIT);
    let service = TokenLayer::new(policy).layer(hyper_client());
    let request = Request::post(url)
        .header(header::TRAILER, "x-sum")
        .body(body)
        .unwrap();
    service.oneshot(request).await.unwrap().status()
}

/// Posts a body that is there whole, and has it replayed.
async fn replay<B>(body: B) -> Vec<Seen>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    let call = |url, source| post(url, source, body);
    let (status, seen, _) = streams::reject("/me", call, async || {}).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(seen.len(), 2);
    seen
}

#[tokio::test]
async fn a_stream_is_replayed_whole_whenever_the_rejection_comes() {
    streams::check_replay(post).await;
}

#[tokio::test]
async fn a_stream_over_the_limit_is_not_replayed() {
    streams::check_limit(post).await;
}

#[tokio::test]
async fn trailers_are_replayed() {
    let (mut feed, body) = Channel::<Bytes>::new(16);
    feed.send_data("a body".into()).await.unwrap();
    let sum: HeaderMap = [("x-sum".parse().unwrap(), "7".parse().unwrap())]
        .into_iter()
        .collect();
    feed.send_trailers(sum.clone()).await.unwrap();
    drop(feed);
    for attempt in replay(body).await {
        assert_eq!(attempt.body, "a body");
        assert_eq!(attempt.trailers.as_ref(), Some(&sum));
        assert!(attempt.whole);
    }
}

#[tokio::test]
async fn a_replay_has_the_length_of_the_body() {
    for attempt in replay(Full::from("a body")).await {
        assert_eq!(attempt.headers[header::CONTENT_LENGTH], "6");
        assert!(!attempt.headers.contains_key(header::TRANSFER_ENCODING));
    }
}

#[tokio::test]
async fn a_body_that_fails_is_not_replayed() {
    let (mut feed, body) = Channel::<Bytes, std::io::Error>::new(4);
    feed.send_data("one".into()).await.unwrap();
    feed.abort(std::io::Error::other("the disk is gone"));
    let api = Api::start().await;
    let source = Scripted::new(api.base(), Place::Authorization);
    let inner = tower::service_fn(
        async |request: Request<Replay<Channel<Bytes, std::io::Error>>>| {
            let error = request.into_body().collect().await.unwrap_err();
            assert!(error.is::<std::io::Error>(), "the body's own error");
            let rejected = http::Response::builder().status(401).body(()).unwrap();
            Ok::<_, std::convert::Infallible>(rejected)
        },
    );
    let service = token_layer(source.clone()).layer(inner);
    let request = Request::post(api.url("/me")).body(body).unwrap();
    let response = service.oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(source.rejected.load(SeqCst), 1);
}
