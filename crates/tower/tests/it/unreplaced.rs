//! A rejected token without a replacement.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use tokenkeeper_engine::Error as SourceError;
use tokenkeeper_tower::{BoxError, Rejected, Replay, TokenLayer};
use tower::{Layer as _, ServiceBuilder, ServiceExt as _, service_fn};

use crate::support::{Api, Place, Scripted, Text, hyper_client, token_layer};

const API: &str = "https://api.example";

fn get(uri: impl AsRef<str>) -> Request<Text> {
    Request::get(uri.as_ref()).body(Text::default()).unwrap()
}

fn layer() -> TokenLayer {
    token_layer(Scripted::new(API, Place::Authorization).irreplaceable())
}

/// Returns the error of a request that an API answers with a 401 and this body.
async fn error_over<B: Send + 'static>(body: impl FnOnce() -> B + Clone) -> BoxError {
    let api = service_fn(move |_: Request<Replay<Text>>| {
        let mut response = Response::new(body.clone()());
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        let headers = response.headers_mut();
        headers.insert("set-cookie", "session=secret-cookie".parse().unwrap());
        async { Ok::<_, Infallible>(response) }
    });
    let sent = layer().layer(api).oneshot(get(format!("{API}/me"))).await;
    sent.err().expect("there is no replacement")
}

/// Takes the API's response out of the error, and checks the error.
fn response_of<B: 'static>(result: Result<Response<B>, BoxError>) -> Response<B> {
    let error = result.err().unwrap();
    assert!(matches!(
        SourceError::find(&*error),
        Some(SourceError::ShutDown)
    ));
    let rejected = error.downcast::<Rejected>().unwrap();
    assert!(matches!(rejected.error(), SourceError::ShutDown));
    assert_eq!(rejected.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(rejected.headers()["content-length"], "2");
    rejected.into_response().unwrap()
}

#[tokio::test]
async fn the_sources_error_and_the_apis_response_reach_the_caller() {
    let api = Api::start().await;
    api.takes_from(1);
    let source = Scripted::new(api.base(), Place::Authorization).irreplaceable();
    // A buffer outside passes the error on as it is.
    let service = ServiceBuilder::new()
        .buffer(1)
        .layer(token_layer(source.clone()))
        .service(hyper_client());
    let response = response_of(service.oneshot(get(api.url("/me"))).await);
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(response.headers()["content-length"], "2");
    let body = response.into_body().collect().await.unwrap();
    assert_eq!(body.to_bytes(), "no", "unread until now");
    assert_eq!(api.seen().len(), 1, "not replayed");
    assert_eq!(source.replaced.load(SeqCst), 1);
}

#[tokio::test]
async fn a_wrong_body_type_gives_the_error_back() {
    let error = error_over(|| Full::new(Bytes::from("no"))).await;
    let rejected = error.downcast::<Rejected>().unwrap();
    let rejected = rejected.into_response::<String>().unwrap_err();
    assert!(matches!(rejected.error(), SourceError::ShutDown));
    let response = rejected.into_response::<Full<Bytes>>().unwrap();
    let body = response.into_body().collect().await.unwrap();
    assert_eq!(body.to_bytes(), "no");
}

#[tokio::test]
async fn a_body_that_is_not_sync_is_kept_too() {
    let error = error_over(|| UnsyncBoxBody::new(Text::from("no"))).await;
    let rejected = error.downcast::<Rejected>().unwrap();
    let response = rejected.into_response::<UnsyncBoxBody<Bytes, Infallible>>();
    let body = response.unwrap().into_body().collect().await.unwrap();
    assert_eq!(body.to_bytes(), "no");
}

/// A body that notes when it is dropped, and with it its connection.
struct Guarded(Arc<AtomicBool>);

impl Drop for Guarded {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

impl Body for Guarded {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(None)
    }
}

#[tokio::test]
async fn the_error_owns_the_body_until_it_is_taken() {
    let dropped = Arc::new(AtomicBool::new(false));
    let guard = dropped.clone();
    let error = error_over(move || Guarded(guard)).await;
    assert!(!dropped.load(SeqCst), "kept by the error");
    let rejected = error.downcast::<Rejected>().unwrap();
    let response = rejected.into_response::<Guarded>().unwrap();
    assert!(!dropped.load(SeqCst), "given to the caller");
    drop(response);
    assert!(dropped.load(SeqCst));

    let dropped = Arc::new(AtomicBool::new(false));
    let guard = dropped.clone();
    drop(error_over(move || Guarded(guard)).await);
    assert!(dropped.load(SeqCst), "not held beyond the error");
}

#[tokio::test]
async fn the_error_shows_its_reason_and_no_secret() {
    let error = error_over(|| Text::from("secret-body")).await;
    assert_eq!(
        error.to_string(),
        "the API rejected the token (401), and no replacement is available"
    );
    assert_eq!(
        error.source().unwrap().to_string(),
        "the engine is shut down"
    );
    let shown = format!("{error} {error:?} {error:#?}");
    assert!(!shown.contains("secret-"), "{shown}");
    assert!(shown.contains("ShutDown"), "{shown}");
}
