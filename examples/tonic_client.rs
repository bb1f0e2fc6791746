//! tonic's typed calls for several people: the account of each call is that of its scope.
//!
//! ```sh
//! cargo run --example tonic_client
//! ```

mod provider;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    extract::Request,
    middleware::{Next, from_fn},
};
use tokenkeeper::tower::{TokenLayer, TokenPolicy};
use tokenkeeper_emulator::Emulator;
use tokio::net::TcpListener;
use tonic::{Status, body::Body, transport::Channel};
use tonic_health::{
    ServingStatus,
    pb::{HealthCheckRequest, health_client::HealthClient},
};
use tower::ServiceBuilder;
use tower_http::map_request_body::MapRequestBodyLayer;

use provider::Failure;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let provider = provider::start().await?;
    let callers = Callers::default();
    let api = serve(provider.clone(), callers.clone()).await?;
    let accounts = provider::accounts(&provider, &api)?;
    let alice = provider::connect(&accounts, &provider, "alice").await?;
    let bob = provider::connect(&accounts, &provider, "bob").await?;

    let channel = Channel::from_shared(api.clone())?.connect_lazy();
    // tonic's requests have relative URIs, which the channel completes.
    let policy = TokenPolicy::per_request(&accounts).origin(api.parse()?);
    let stack = ServiceBuilder::new()
        .layer(TokenLayer::new(policy))
        // The channel takes tonic's bodies alone.
        .layer(MapRequestBodyLayer::new(Body::new))
        .service(channel);
    let client = HealthClient::new(stack);
    let check = async || {
        let request = HealthCheckRequest::default();
        client.clone().check(request).await
    };

    alice.scope(check()).await?;
    bob.scope(check()).await?;
    // In no scope, the call is not sent.
    let refused = check().await.expect_err("the call names no account");
    println!("{}", refused.message());
    assert_eq!(*callers.lock().expect("no caller panics"), ["alice", "bob"]);

    // The tokens expire early. The server refuses one with `UNAUTHENTICATED`: the layer refreshes
    // it and replays the call.
    provider.expire_access_tokens();
    alice.scope(check()).await?;
    assert_eq!(provider.counters().refreshes(), 1);
    println!(
        "called as {}",
        callers.lock().expect("no caller panics").join(", ")
    );

    accounts.shutdown(Duration::from_secs(5)).await?;
    Ok(())
}

/// The users whose calls were accepted.
type Callers = Arc<Mutex<Vec<String>>>;

/// Serves gRPC health checks for the users of the provider, and returns their origin.
async fn serve(provider: Emulator, callers: Callers) -> Result<String, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let origin = format!("http://{}", listener.local_addr()?);
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter
        .set_service_status("", ServingStatus::Serving)
        .await;
    let guard = from_fn(move |request: Request, next: Next| {
        let (provider, callers) = (provider.clone(), callers.clone());
        async move {
            let Some(user) = provider::user_of(&provider, request.headers()).await else {
                return Status::unauthenticated("the token is not valid").into_http();
            };
            callers.lock().expect("no caller panics").push(user);
            next.run(request).await
        }
    });
    let router = Router::new().route_service("/grpc.health.v1.Health/{*method}", health);
    tokio::spawn(axum::serve(listener, router.layer(guard)).into_future());
    Ok(origin)
}
