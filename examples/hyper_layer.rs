//! hyper-util's client with the layer: every request leaves with a valid token.
//!
//! ```sh
//! cargo run --example hyper_layer
//! ```

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Empty;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tokenkeeper::{
    Account, Accounts, MemoryStore,
    protocol::{Redirect, Registration},
    providers::Amiqus,
    tower::{HyperTransport, TokenLayer},
};
use tokenkeeper_emulator::{
    DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_REDIRECT_URI, Emulator, Endpoint,
};
use tower::{ServiceBuilder, ServiceExt as _};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    // The provider, on a port of this machine. At the real one you leave `.base(…)` out.
    let emulator = Emulator::amiqus().start().await?;

    // TLS by a provider of your choice. Nothing here is asked for over https, but the transport wants to know.
    let crypto = rustls::crypto::ring::default_provider();
    crypto
        .install_default()
        .expect("nothing was installed before");

    let registration =
        Registration::new(DEFAULT_CLIENT_ID, DEFAULT_REDIRECT_URI)?.secret(DEFAULT_CLIENT_SECRET);
    let accounts = Accounts::builder(MemoryStore::new())
        .provider(Amiqus::new(registration)?.base(emulator.base())?)
        .transport(HyperTransport::new()?)
        .build()?;

    // "user-42" is your own name for this connection.
    let account = accounts.account("amiqus", "user-42")?;
    log_in(&accounts, &account, &emulator).await?;

    // The client is as it would be without us, but for one line.
    let client = ServiceBuilder::new()
        .layer(TokenLayer::new(account))
        .service(Client::builder(TokioExecutor::new()).build_http());

    let api = emulator.url(Endpoint::Api).expect("Amiqus has an API");
    let call = || Request::get(&api).body(Empty::<Bytes>::new());
    let response = client.clone().oneshot(call()?).await?;
    assert_eq!(response.status(), StatusCode::OK);

    // The provider ends the token before its time: the layer refreshes it and sends the request again. The caller sees a 200.
    emulator.expire_access_tokens();
    let response = client.oneshot(call()?).await?;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(emulator.counters().refreshes(), 1);

    // Before the program ends: whatever is not in the store yet gets there.
    accounts.shutdown(std::time::Duration::from_secs(5)).await?;
    println!("two calls, one refresh: {}", response.status());
    Ok(())
}

/// What happens between your pages and the person's browser; `axum_backend.rs` shows it with routes.
async fn log_in(
    accounts: &Accounts,
    account: &Account,
    emulator: &Emulator,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    // Send the person to `start.url`, and keep `start.flow` for their browser.
    let start = account.connect()?;

    // The person clicks; the emulator takes `approve=1` for the click.
    let page = Request::get(format!("{}&approve=1", start.url)).body(Bytes::new())?;
    let answer = emulator.call(page).await?;
    let location = answer.headers()["location"].to_str()?;

    // The browser comes back to your redirect URI.
    let (_, query) = location
        .split_once('?')
        .expect("the answer is in the query");
    accounts.finish(start.flow, Redirect::query(query)).await?;
    Ok(())
}
