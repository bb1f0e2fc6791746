//! Under and over tower's own layers.

use std::{sync::atomic::Ordering::SeqCst, time::Duration};

use futures_util::future::join_all;
use http::{Request, StatusCode};
use tokenkeeper_engine::Error as SourceError;
use tokenkeeper_tower::BoxError;
use tower::{Service, ServiceBuilder, ServiceExt as _, retry::Policy, timeout::error::Elapsed};

use crate::support::{Api, Place, Scripted, Text, hyper_client, token_layer};

async fn start() -> (Api, Scripted) {
    let api = Api::start().await;
    api.takes_from(1);
    let source = Scripted::new(api.base(), Place::Authorization);
    (api, source)
}

fn post(api: &Api, path: &str) -> Request<Text> {
    Request::post(api.url(path))
        .body(Text::from("a body"))
        .unwrap()
}

/// A hundred requests whose first token is rejected, many at once; all have to come through.
async fn storm<S, R>(api: &Api, service: S)
where
    S: Service<Request<Text>, Response = http::Response<R>, Error = BoxError> + Clone,
{
    let calls = (0..100).map(|_| service.clone().oneshot(post(api, "/me")));
    for response in join_all(calls).await {
        assert_eq!(response.unwrap().status(), StatusCode::OK);
    }
    assert!(api.seen().iter().all(|seen| seen.body == "a body"));
}

#[tokio::test]
async fn under_and_over_a_concurrency_limit_of_one() {
    let (api, source) = start().await;
    let layer = token_layer(source);
    let over = ServiceBuilder::new()
        .layer(layer)
        .concurrency_limit(1)
        .service(hyper_client());
    storm(&api, over).await;

    let (api, source) = start().await;
    let layer = token_layer(source);
    let under = ServiceBuilder::new()
        .concurrency_limit(1)
        .layer(layer)
        .service(hyper_client());
    storm(&api, under).await;
}

#[tokio::test]
async fn under_and_over_a_buffer() {
    let (api, source) = start().await;
    let layer = token_layer(source);
    let over = ServiceBuilder::new()
        .layer(layer)
        .buffer(1)
        .service(hyper_client());
    storm(&api, over).await;

    let (api, source) = start().await;
    let layer = token_layer(source);
    let under = ServiceBuilder::new()
        .buffer(1)
        .layer(layer)
        .service(hyper_client());
    storm(&api, under).await;
}

#[tokio::test]
async fn an_error_is_found_through_buffer_and_retry() {
    let (api, source) = start().await;
    let service = ServiceBuilder::new()
        .buffer(1)
        .retry(Again)
        .layer(token_layer(source.failing()))
        .service(hyper_client());
    let error = service.oneshot(post(&api, "/me")).await.unwrap_err();
    assert!(matches!(
        SourceError::find(&*error),
        Some(SourceError::ShutDown)
    ));
}

#[tokio::test]
async fn a_timeout_outside_ends_the_wait_for_a_token() {
    let (api, source) = start().await;
    tokio::time::pause();
    let service = ServiceBuilder::new()
        .timeout(Duration::from_secs(5))
        .layer(token_layer(source.cold()))
        .service(hyper_client());
    let error = service.oneshot(post(&api, "/me")).await.unwrap_err();
    assert!(error.is::<Elapsed>());
    assert!(api.seen().is_empty());
}

#[tokio::test]
async fn under_and_over_a_timeout() {
    let minute = Duration::from_secs(60);
    let (api, source) = start().await;
    let layer = token_layer(source);
    storm(
        &api,
        ServiceBuilder::new()
            .layer(layer)
            .timeout(minute)
            .service(hyper_client()),
    )
    .await;

    let (api, source) = start().await;
    let layer = token_layer(source);
    storm(
        &api,
        ServiceBuilder::new()
            .timeout(minute)
            .layer(layer)
            .service(hyper_client()),
    )
    .await;
}

/// Retries a 500 for as long as the request can be cloned, and never an error of the token source.
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
async fn under_a_retry_each_attempt_gets_the_token_of_its_time() {
    let (api, source) = start().await;
    let flaky = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = flaky.clone();
    let inner = tower::service_fn(move |request: Request<_>| {
        let broken = counted.fetch_add(1, SeqCst) == 1;
        async move {
            let mut response = hyper_client::<Text>().oneshot(request).await?;
            if broken {
                *response.status_mut() = StatusCode::BAD_GATEWAY;
            }
            Ok::<_, hyper_util::client::legacy::Error>(response)
        }
    });
    let service = ServiceBuilder::new()
        .retry(Again)
        .layer(token_layer(source))
        .service(inner);
    let response = service.oneshot(post(&api, "/me")).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let tokens: Vec<_> = api
        .seen()
        .iter()
        .map(|seen| seen.token().unwrap().to_owned())
        .collect();
    assert_eq!(
        tokens,
        ["secret-0", "secret-1", "secret-1"],
        "rejected, replayed and broken, retried"
    );
}
