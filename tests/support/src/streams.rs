//! Requests with a streaming body whose token is rejected: what each front does with them.

use std::{convert::Infallible, sync::atomic::Ordering::SeqCst};

use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt as _, Full, channel::Channel, combinators::BoxBody};

use crate::{
    api::{Api, Seen},
    scripted::{Place, Scripted},
};

/// How many bytes of a body a front under test records.
pub const LIMIT: usize = 1024;

/// A streaming body.
pub type Stream = BoxBody<Bytes, Infallible>;

/// Frames that the API accepts before it rejects the token, and frames that follow. Read by the
/// path: before the body, after its first frame, and after its end.
const STREAMS: [(&str, &[&str], &[&str]); 3] = [
    ("/early", &[], &["one ", "two"]),
    ("/mid", &["one "], &["two"]),
    ("/me", &["one ", "two"], &[]),
];

/// Sends `call` to an API that accepts tokens from `secret-1`, and runs `after` once the token was
/// rejected.
pub async fn reject<F>(
    path: &str,
    call: impl FnOnce(String, Scripted) -> F,
    after: impl AsyncFnOnce(),
) -> (StatusCode, Vec<Seen>, Scripted)
where
    F: Future<Output = StatusCode> + Send + 'static,
{
    let api = Api::start().await;
    api.takes_from(1);
    let source = Scripted::new(api.base(), Place::Authorization);
    let call = tokio::spawn(call(api.url(path), source.clone()));
    while source.replaced.load(SeqCst) + source.rejected.load(SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    after().await;
    let status = call.await.unwrap();
    // A first attempt may still be failing when its replay has been answered.
    let seen = api.wait_for(1 + source.replaced.load(SeqCst)).await;
    (status, seen, source)
}

/// Checks that `post` replays a stream whole, wherever in it the rejection comes.
pub async fn check_replay<F>(post: impl Fn(String, Scripted, Stream) -> F)
where
    F: Future<Output = StatusCode> + Send + 'static,
{
    for (path, before, after) in STREAMS {
        let (mut feed, body) = Channel::new(16);
        for frame in before {
            feed.send_data(Bytes::from(*frame)).await.unwrap();
        }
        let mut feed = (!after.is_empty()).then_some(feed);
        let call = |url, source| post(url, source, body.boxed());
        let (status, seen, source) = reject(path, call, async || {
            for frame in after {
                let feed = feed.as_mut().unwrap();
                feed.send_data(Bytes::from(*frame)).await.unwrap();
            }
            drop(feed);
        })
        .await;
        assert_eq!(status, StatusCode::OK, "{path}");
        let by_token = |token| seen.iter().find(|seen| seen.token() == Some(token));
        let (first, replay) = (by_token("secret-0").unwrap(), by_token("secret-1").unwrap());
        assert_eq!((&*replay.body, replay.whole), ("one two", true), "{path}");
        assert_eq!(first.whole, after.is_empty(), "{path}: fails, not ends");
        assert_eq!(source.replaced.load(SeqCst), 1, "{path}");
    }
}

/// Checks that `post` does not replay a stream over the limit, and reports the rejection.
pub async fn check_limit<F>(post: impl Fn(String, Scripted, Stream) -> F)
where
    F: Future<Output = StatusCode> + Send + 'static,
{
    let frame = Bytes::from(vec![b'x'; LIMIT + 1]);
    for is_known in [true, false] {
        let (mut feed, channel) = Channel::new(1);
        feed.send_data(frame.clone()).await.unwrap();
        drop(feed);
        let body = match is_known {
            true => Full::new(frame.clone()).boxed(),
            false => channel.boxed(),
        };
        let call = |url, source| post(url, source, body);
        let (status, seen, source) = reject("/me", call, async || {}).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert_eq!(seen.len(), 1);
        assert!(seen[0].whole);
        assert_eq!(source.rejected.load(SeqCst), 1);
        assert_eq!(source.replaced.load(SeqCst), 0);
        let asked = source.asked.lock().unwrap();
        assert_eq!(*asked, [!is_known], "asks as replayable if unknown");
    }
}
