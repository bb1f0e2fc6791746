//! A streaming body is replayed whole or not at all.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, atomic::Ordering::SeqCst},
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{
    BodyExt as _, Full,
    channel::{Channel, Sender},
    combinators::UnsyncBoxBody,
};
use tokenkeeper_tower::{BoxError, Replay};
use tower::{Layer as _, ServiceExt as _};

use crate::support::{Api, Place, Scripted, Seen, hyper_client, token_layer};

/// A stream that is fed by hand.
fn stream() -> (Sender<Bytes>, Channel<Bytes>) {
    Channel::new(16)
}

/// Sends `body` to `path` of an API that takes tokens from `secret-1`; `after` feeds the stream once the token was rejected.
async fn post<B>(
    path: &str,
    body: B,
    limit: usize,
    after: impl AsyncFnOnce(),
) -> (StatusCode, Vec<Seen>, Scripted)
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    let api = Api::start().await;
    api.takes_from(1);
    let source = Scripted::new(api.base(), Place::Authorization);
    let service = token_layer(source.clone())
        .replay_limit(limit)
        .layer(hyper_client());
    let request = Request::post(api.url(path))
        .header(header::TRAILER, "x-sum")
        .body(body)
        .unwrap();
    let call = tokio::spawn(service.oneshot(request));
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
    let (status, seen, _) = post("/early", body, 1024, async || {
        feed.send_data("one ".into()).await.unwrap();
        feed.send_data("two".into()).await.unwrap();
        drop(feed);
    })
    .await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(by_token(&seen, "secret-1").body, "one two");
    assert!(by_token(&seen, "secret-1").whole);
    assert!(
        !by_token(&seen, "secret-0").whole,
        "the first attempt fails rather than ends"
    );
}

#[tokio::test]
async fn rejected_during_the_body() {
    let (mut feed, body) = stream();
    feed.send_data("one ".into()).await.unwrap();
    let (status, seen, _) = post("/mid", body, 1024, async || {
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
async fn rejected_after_the_body_with_its_trailers() {
    let (mut feed, body) = stream();
    feed.send_data("one ".into()).await.unwrap();
    feed.send_data("two".into()).await.unwrap();
    let sum: HeaderMap = [("x-sum".parse().unwrap(), "7".parse().unwrap())]
        .into_iter()
        .collect();
    feed.send_trailers(sum.clone()).await.unwrap();
    drop(feed);
    let (status, seen, _) = post("/me", body, 1024, async || {}).await;
    assert_eq!(status, StatusCode::OK);
    for attempt in seen {
        assert_eq!(attempt.body, "one two");
        assert_eq!(attempt.trailers.as_ref(), Some(&sum));
        assert!(attempt.whole);
    }
}

#[tokio::test]
async fn over_the_bound_the_response_passes_and_the_refresh_still_happens() {
    let (mut feed, body) = stream();
    feed.send_data(Bytes::from(vec![b'x'; 1025])).await.unwrap();
    drop(feed);
    let (status, seen, source) = post("/me", body, 1024, async || {}).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(seen.len(), 1);
    assert!(seen[0].whole);
    assert_eq!(source.rejected.load(SeqCst), 1);
    assert_eq!(source.replaced.load(SeqCst), 0);
    assert_eq!(
        *source.asked.lock().unwrap(),
        [true],
        "nobody knew its length"
    );
}

#[tokio::test]
async fn a_body_known_to_be_over_the_bound_asks_as_one_that_cannot_be_replayed() {
    let body = Full::from(vec![b'x'; 1025]);
    let (status, _, source) = post("/me", body, 1024, async || {}).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(*source.asked.lock().unwrap(), [false]);
}

#[tokio::test]
async fn the_length_of_a_replay_is_the_bodys_own() {
    let (status, seen, _) = post("/me", Full::from("a body"), 1024, async || {}).await;
    assert_eq!(status, StatusCode::OK);
    for attempt in seen {
        assert_eq!(attempt.headers[header::CONTENT_LENGTH], "6");
        assert!(!attempt.headers.contains_key(header::TRANSFER_ENCODING));
    }
}

#[tokio::test]
async fn a_body_that_is_clone_by_sharing_its_stream() {
    #[derive(Clone)]
    struct Shared(Arc<Mutex<UnsyncBoxBody<Bytes, BoxError>>>);
    impl Body for Shared {
        type Data = Bytes;
        type Error = BoxError;

        fn poll_frame(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
            Pin::new(&mut *self.0.lock().unwrap()).poll_frame(cx)
        }

        fn size_hint(&self) -> SizeHint {
            self.0.lock().unwrap().size_hint()
        }
    }
    let inner = Full::from("shared")
        .map_err(|never| match never {})
        .boxed_unsync();
    let body = Shared(Arc::new(Mutex::new(inner)));
    let _clone = body.clone();
    let (status, seen, _) = post("/me", body, 1024, async || {}).await;
    assert_eq!(status, StatusCode::OK);
    assert!(seen.iter().all(|attempt| attempt.body == "shared"));
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
    assert_eq!(
        service.oneshot(request).await.unwrap().status(),
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(source.rejected.load(SeqCst), 1);
}
