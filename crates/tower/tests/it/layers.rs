//! Under and over tower's own layers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::future::join_all;
use http::{Request, StatusCode};
use tokenkeeper_engine::Error as SourceError;
use tokenkeeper_tower::{BoxError, TokenLayer};
use tower::{Service, ServiceBuilder, ServiceExt as _, retry::Policy, timeout::error::Elapsed};

use crate::support::{Api, Place, Scripted, Text, hyper_client, token_layer, tokens};

async fn start() -> (Api, Scripted) {
    let api = Api::start().await;
    api.takes_from(1);
    let source = Scripted::new(api.base(), Place::Authorization);
    (api, source)
}

fn post(api: &Api) -> Request<Text> {
    Request::post(api.url("/me"))
        .body(Text::from("a body"))
        .unwrap()
}

/// Sends a hundred requests at once whose first token is rejected. All must succeed.
async fn storm<S, R>(stack: impl FnOnce(TokenLayer) -> S)
where
    S: Service<Request<Text>, Response = http::Response<R>, Error = BoxError> + Clone,
{
    let (api, source) = start().await;
    let service = stack(token_layer(source));
    let calls = (0..100).map(|_| service.clone().oneshot(post(&api)));
    for response in join_all(calls).await {
        assert_eq!(response.unwrap().status(), StatusCode::OK);
    }
    assert!(api.seen().iter().all(|seen| seen.body == "a body"));
    assert!(
        tokens(&api)
            .iter()
            .all(|token| matches!(&**token, "secret-0" | "secret-1"))
    );
}

#[tokio::test]
async fn under_and_over_a_concurrency_limit_of_one() {
    let stack = ServiceBuilder::new;
    storm(|layer| {
        stack()
            .layer(layer)
            .concurrency_limit(1)
            .service(hyper_client())
    })
    .await;
    storm(|layer| {
        stack()
            .concurrency_limit(1)
            .layer(layer)
            .service(hyper_client())
    })
    .await;
}

#[tokio::test]
async fn under_and_over_a_buffer() {
    let stack = ServiceBuilder::new;
    storm(|layer| stack().layer(layer).buffer(1).service(hyper_client())).await;
    storm(|layer| stack().buffer(1).layer(layer).service(hyper_client())).await;
}

#[tokio::test]
async fn under_and_over_a_timeout() {
    let (stack, minute) = (ServiceBuilder::new, Duration::from_secs(60));
    storm(|layer| stack().layer(layer).timeout(minute).service(hyper_client())).await;
    storm(|layer| stack().timeout(minute).layer(layer).service(hyper_client())).await;
}

#[tokio::test]
async fn an_error_is_found_through_buffer_and_retry() {
    let (api, source) = start().await;
    let service = ServiceBuilder::new()
        .buffer(1)
        .retry(Again)
        .layer(token_layer(source.failing()))
        .service(hyper_client());
    let error = service.oneshot(post(&api)).await.unwrap_err();
    assert!(matches!(
        SourceError::find(&*error),
        Some(SourceError::ShutDown)
    ));
}

#[tokio::test]
async fn an_outer_timeout_ends_the_wait_for_a_token() {
    let (api, source) = start().await;
    tokio::time::pause();
    let service = ServiceBuilder::new()
        .timeout(Duration::from_secs(5))
        .layer(token_layer(source.cold()))
        .service(hyper_client());
    let error = service.oneshot(post(&api)).await.unwrap_err();
    assert!(error.is::<Elapsed>());
    assert!(api.seen().is_empty());
}

/// Retries each response with a 5xx, and no error of a token source.
#[derive(Clone)]
struct Again;

impl<R> Policy<Request<Text>, http::Response<R>, BoxError> for Again {
    type Future = std::future::Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request<Text>,
        result: &mut Result<http::Response<R>, BoxError>,
    ) -> Option<Self::Future> {
        match result {
            Ok(response) if response.status().is_server_error() => Some(std::future::ready(())),
            Ok(_) => None,
            Err(error) => {
                assert!(SourceError::find(&**error).is_some());
                None
            }
        }
    }

    fn clone_request(&mut self, request: &Request<Text>) -> Option<Request<Text>> {
        Some(request.clone())
    }
}

#[tokio::test]
async fn under_a_retry_each_attempt_gets_the_current_token() {
    let (api, source) = start().await;
    let calls = Arc::new(AtomicUsize::new(0));
    let inner = tower::service_fn(move |request: Request<_>| {
        let is_broken = calls.fetch_add(1, SeqCst) == 1;
        async move {
            let mut response = hyper_client::<Text>().oneshot(request).await?;
            if is_broken {
                *response.status_mut() = StatusCode::BAD_GATEWAY;
            }
            Ok::<_, hyper_util::client::legacy::Error>(response)
        }
    });
    let service = ServiceBuilder::new()
        .retry(Again)
        .layer(token_layer(source))
        .service(inner);
    let response = service.oneshot(post(&api)).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(
        tokens(&api),
        ["secret-0", "secret-1", "secret-1"],
        "rejected, replayed and broken, retried"
    );
}
