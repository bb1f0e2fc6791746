//! Over tonic's channel.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use axum::{
    Router,
    extract::Request,
    middleware::{Next, from_fn},
    response::{IntoResponse as _, Response},
};
use http::{StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty};
use tokenkeeper_engine::Error as SourceError;
use tokenkeeper_test_support::{BASE, World, settle};
use tokenkeeper_tower::{TokenLayer, TokenPolicy};
use tokio::net::TcpListener;
use tonic::{Code, Status, body::Body, transport::Channel};
use tonic_health::{
    ServingStatus,
    pb::{HealthCheckRequest, health_client::HealthClient},
};
use tower::{Layer as _, ServiceBuilder};
use tower_http::map_request_body::MapRequestBodyLayer;

use crate::support::{Place, Scripted, token_layer};

/// Serves gRPC health checks, and answers with `refusal` to every token but `secret-1`.
async fn serve(refusal: fn() -> Response) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter
        .set_service_status("", ServingStatus::Serving)
        .await;
    let router = Router::new().route_service("/grpc.health.v1.Health/{*method}", health);
    let guard = from_fn(move |request: Request, next: Next| async move {
        match request.headers().get("authorization") {
            Some(token) if token == "Bearer secret-1" => next.run(request).await,
            _ => refusal(),
        }
    });
    tokio::spawn(axum::serve(listener, router.layer(guard)).into_future());
    base
}

/// Checks the health of the service at `base` with a token that must be replaced first.
async fn check(base: &str, source: Scripted) -> Result<i32, Status> {
    let channel = Channel::from_shared(base.to_owned())
        .unwrap()
        .connect_lazy();
    let policy = TokenPolicy::from_source(source).origin(base.parse().unwrap());
    let stack = ServiceBuilder::new()
        // tonic's requests have relative URIs, which the channel completes.
        .layer(TokenLayer::new(policy))
        .layer(MapRequestBodyLayer::new(Body::new))
        .service(channel);
    let mut client = HealthClient::new(stack);
    let answer = client.check(HealthCheckRequest::default()).await?;
    Ok(answer.into_inner().status)
}

#[tokio::test]
async fn a_call_is_replayed_with_its_message() {
    let base = serve(|| StatusCode::UNAUTHORIZED.into_response()).await;
    let source = Scripted::new(&base, Place::Authorization);
    assert_eq!(check(&base, source).await.unwrap(), 1);
}

#[tokio::test]
async fn a_clients_own_origin_makes_the_uri_absolute() {
    let base = serve(|| StatusCode::UNAUTHORIZED.into_response()).await;
    let source = Scripted::new(&base, Place::Authorization);
    let channel = Channel::from_shared(base.clone()).unwrap().connect_lazy();
    let stack = ServiceBuilder::new()
        .layer(token_layer(source))
        .layer(MapRequestBodyLayer::new(Body::new))
        .service(channel);
    let mut client = HealthClient::with_origin(stack, base.parse::<Uri>().unwrap());
    let answer = client.check(HealthCheckRequest::default()).await.unwrap();
    assert_eq!(answer.into_inner().status, 1);
}

#[tokio::test]
async fn an_error_of_the_source_is_found_in_the_status() {
    let base = serve(|| StatusCode::UNAUTHORIZED.into_response()).await;
    let source = Scripted::new(&base, Place::Authorization).failing();
    let status = check(&base, source).await.unwrap_err();
    assert!(matches!(
        SourceError::find(&status),
        Some(SourceError::ShutDown)
    ));
}

/// Calls a service in this process with the token of an account of a real engine, which the service
/// refuses with `refusal` as long as it is the first. Returns the result and how many calls came.
async fn check_in_process(refusal: fn() -> Response) -> (Result<i32, Code>, usize, World) {
    let world = World::plain();
    let account = world.connect_account().await;
    let first = format!("Bearer {}", account.token().await.unwrap().expose());
    let (reporter, health) = tonic_health::server::health_reporter();
    let serving = ServingStatus::Serving;
    reporter.set_service_status("", serving).await;
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let guard = from_fn(move |request: Request, next: Next| {
        counted.fetch_add(1, SeqCst);
        let is_first = request.headers()["authorization"] == first;
        async move {
            if is_first {
                refusal()
            } else {
                next.run(request).await
            }
        }
    });
    let router = Router::new().route_service("/grpc.health.v1.Health/{*method}", health);
    let policy = TokenPolicy::new(account).origin(BASE.parse().unwrap());
    let stack = TokenLayer::new(policy).layer(router.layer(guard));
    let answer = HealthClient::new(stack)
        .check(HealthCheckRequest::default())
        .await;
    let status = answer
        .map(|answer| answer.into_inner().status)
        .map_err(|status| status.code());
    (status, calls.load(SeqCst), world)
}

#[tokio::test(start_paused = true)]
async fn unauthenticated_in_the_head_is_refreshed_and_replayed() {
    let (status, calls, world) =
        check_in_process(|| Status::unauthenticated("no").into_http()).await;
    assert_eq!((status, calls), (Ok(1), 2));
    assert_eq!(world.token_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn other_statuses_in_the_head_go_to_the_caller() {
    let (status, calls, world) =
        check_in_process(|| Status::permission_denied("no").into_http()).await;
    assert_eq!((status, calls), (Err(Code::PermissionDenied), 1));
    assert_eq!(world.token_requests(), 0);
}

/// The documented limit.
#[tokio::test(start_paused = true)]
async fn unauthenticated_in_the_trailers_goes_to_the_caller() {
    let (status, calls, world) = check_in_process(|| {
        let trailers = Status::unauthenticated("no")
            .into_http::<()>()
            .into_parts()
            .0
            .headers;
        let body = Empty::new().with_trailers(async { Some(Ok(trailers)) });
        let response = Response::builder().header("content-type", "application/grpc");
        response.body(axum::body::Body::new(body)).unwrap()
    })
    .await;
    assert_eq!((status, calls), (Err(Code::Unauthenticated), 1));
    settle().await;
    assert_eq!(world.token_requests(), 0);
}
