//! hyper-util's client with the layer: every request carries a valid token.
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
    // The provider on a local port. For the real one, leave `.base(…)` out.
    let emulator = Emulator::amiqus().start().await?;

    // The application chooses the crypto provider of rustls. The transport needs one even though
    // this example uses no https.
    let crypto = rustls::crypto::ring::default_provider();
    crypto
        .install_default()
        .expect("nothing was installed before");

    let registration =
        Registration::new(DEFAULT_CLIENT_ID, DEFAULT_REDIRECT_URI).secret(DEFAULT_CLIENT_SECRET);
    let accounts = Accounts::builder(MemoryStore::new())
        .provider(Amiqus::new(registration)?.base(emulator.base())?)
        .transport(HyperTransport::new()?)
        .build()?;

    // "user-42" is your name for this connection.
    let account = accounts.account("amiqus", "user-42")?;
    log_in(&accounts, &account, &emulator).await?;

    // One line wraps the client.
    let client = ServiceBuilder::new()
        .layer(TokenLayer::new(account))
        .service(Client::builder(TokioExecutor::new()).build_http());

    let api = emulator.url(Endpoint::Api).expect("Amiqus has an API");
    let call = || Request::get(&api).body(Empty::<Bytes>::new());
    let response = client.clone().oneshot(call()?).await?;
    assert_eq!(response.status(), StatusCode::OK);

    // The token expires early: the layer refreshes it and replays the request. The caller sees a
    // 200.
    emulator.expire_access_tokens();
    let response = client.oneshot(call()?).await?;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(emulator.counters().refreshes(), 1);

    // Before the program ends: writes what is not in the store yet.
    accounts.shutdown(std::time::Duration::from_secs(5)).await?;
    println!("two calls, one refresh: {}", response.status());
    Ok(())
}

/// A login, as your pages and the person's browser go through it; `axum_backend.rs` has routes.
async fn log_in(
    accounts: &Accounts,
    account: &Account,
    emulator: &Emulator,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    // Send the person to `login.url`, and keep `login.flow` for their browser.
    let login = account.connect()?;

    // The person approves. In the emulator, `approve=1` stands for the click.
    let page = Request::get(format!("{}&approve=1", login.url)).body(Bytes::new())?;
    let answer = emulator.call(page).await?;
    let location = answer.headers()["location"].to_str()?;

    // The browser returns to your redirect URI.
    let redirect = Redirect::from_url(location)?;
    accounts.finish(login.flow, redirect).await?;
    Ok(())
}
