//! octocrab's typed calls for several people.
//!
//! octocrab ends its stack with a buffer, whose worker calls the layers below outside the caller's
//! task. So each account has a client, over connections that all share.
//!
//! ```sh
//! cargo run --example octocrab_client
//! ```

mod provider;

use std::time::Duration;

use axum::{Router, extract::State, response::IntoResponse, routing::get};
use http::{HeaderMap, StatusCode, Uri, header::CONTENT_TYPE};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use octocrab::{
    AuthState, OctoBody, Octocrab, OctocrabBuilder, service::middleware::base_uri::BaseUriLayer,
};
use serde_json::json;
use tokenkeeper::{
    Account,
    tower::{Replay, TokenLayer},
};
use tokenkeeper_emulator::Emulator;
use tokio::net::TcpListener;
use tower::Layer as _;

use provider::Failure;

/// The connections to GitHub. A clone shares them.
type Pool = Client<HttpConnector, Replay<OctoBody>>;

/// Makes the client of one account. It costs a task and a channel, and ends when it is dropped.
fn client_of(account: Account, pool: &Pool, github: &Uri) -> Octocrab {
    let Ok(client) = OctocrabBuilder::new_empty()
        .with_service(TokenLayer::new(account).layer(pool.clone()))
        .with_layer(&BaseUriLayer::new(github.clone()))
        .with_auth(AuthState::None)
        .build();
    client
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let provider = provider::start().await?;
    let github = serve(provider.clone()).await?;
    let accounts = provider::accounts(&provider, &github)?;
    let alice = provider::connect(&accounts, &provider, "alice").await?;
    let bob = provider::connect(&accounts, &provider, "bob").await?;

    let pool: Pool = Client::builder(TokioExecutor::new()).build_http();
    let github: Uri = github.parse()?;
    let (alice, bob) = (
        client_of(alice, &pool, &github),
        client_of(bob, &pool, &github),
    );
    let limits = async || {
        let (alice, bob) = (alice.ratelimit(), bob.ratelimit());
        Ok::<_, Failure>((alice.get().await?.rate, bob.get().await?.rate))
    };
    let (of_alice, of_bob) = limits().await?;
    println!(
        "Alice has {} calls left, Bob has {}",
        of_alice.remaining, of_bob.remaining
    );

    // The tokens expire early: the layer refreshes them and replays the calls.
    provider.expire_access_tokens();
    assert_eq!(limits().await?, (of_alice, of_bob));
    assert_eq!(provider.counters().refreshes(), 2);

    accounts.shutdown(Duration::from_secs(5)).await?;
    Ok(())
}

/// Serves one endpoint of GitHub, and returns its origin.
async fn serve(provider: Emulator) -> Result<String, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let origin = format!("http://{}", listener.local_addr()?);
    let router = Router::new().route("/rate_limit", get(rate_limit));
    tokio::spawn(axum::serve(listener, router.with_state(provider)).into_future());
    Ok(origin)
}

async fn rate_limit(State(provider): State<Emulator>, headers: HeaderMap) -> impl IntoResponse {
    let (status, body) = match provider::user_of(&provider, &headers).await.as_deref() {
        Some(user) => {
            let used = if user == "alice" { 10 } else { 20 };
            let rate = json!({"limit": 5000, "used": used, "remaining": 5000 - used, "reset": 0});
            let resources = json!({"core": rate, "search": rate});
            (
                StatusCode::OK,
                json!({"resources": resources, "rate": rate}),
            )
        }
        None => (
            StatusCode::UNAUTHORIZED,
            json!({"message": "Bad credentials"}),
        ),
    };
    (
        status,
        [(CONTENT_TYPE, "application/json")],
        body.to_string(),
    )
}
