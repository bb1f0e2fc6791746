//! A provider without an adapter: its dialect is TOML, for example in a file next to your
//! configuration.
//!
//! ```sh
//! cargo run --example toml_dialect
//! ```

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Empty;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tokenkeeper::{
    Accounts, MemoryStore,
    protocol::{Dialect, Redirect, Registration},
    tower::{HyperTransport, TokenLayer},
};
use tokenkeeper_emulator::{
    DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_REDIRECT_URI, Emulator, Endpoint,
};
use tower::{ServiceBuilder, ServiceExt as _};

/// The defaults are those of the RFCs: PKCE, the client secret in HTTP Basic authentication, and a
/// Bearer token.
const DIALECT: &str = r#"
brand = "intranet"
base = "https://login.intranet.example"

[authorization]
endpoint = "/authorize"
scope = "profile"

[token]
endpoint = "/token"
client_authentication = "parameters"

# A refresh invalidates the old access token.
[refresh]
old_access_token = "invalidated"

# The status with which the API rejects a token.
[resource]
rejected = [401]

[revocation]
endpoint = "/revoke"
tokens = ["refresh_token"]
reaches = "authorization"
"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    // A provider as RFC 6749 has it, on a local port.
    let emulator = Emulator::plain().start().await?;
    let crypto = rustls::crypto::ring::default_provider();
    crypto
        .install_default()
        .expect("nothing was installed before");

    // A misspelt key or an invalid value is an error that names the line.
    let wrong =
        Dialect::from_toml(&DIALECT.replace("client_authentication", "client_authenticaton"));
    println!("error: {}", wrong.expect_err("the key is misspelt"));

    let registration =
        Registration::new(DEFAULT_CLIENT_ID, DEFAULT_REDIRECT_URI).secret(DEFAULT_CLIENT_SECRET);
    let provider = Dialect::from_toml(DIALECT)?
        .with(registration)?
        .base(emulator.base())?;
    let accounts = Accounts::builder(MemoryStore::new())
        .provider(provider)
        .transport(HyperTransport::new()?)
        .build()?;

    // A login: to `login.url` and back. In the emulator, `approve=1` stands for the click.
    let account = accounts.account("intranet", "user-42")?;
    let login = account.connect()?;
    assert!(login.url.as_str().contains("code_challenge_method=S256"));
    let page = Request::get(format!("{}&approve=1", login.url)).body(Bytes::new())?;
    let answer = emulator.call(page).await?;
    let location = answer.headers()["location"].to_str()?;
    let redirect = Redirect::from_url(location)?;
    accounts.finish(login.flow, redirect).await?;

    let client = ServiceBuilder::new()
        .layer(TokenLayer::new(account.clone()))
        .service(Client::builder(TokioExecutor::new()).build_http());
    let api = emulator
        .url(Endpoint::Api)
        .expect("the emulator has an API");
    let call = || Request::get(&api).body(Empty::<Bytes>::new());
    assert_eq!(
        client.clone().oneshot(call()?).await?.status(),
        StatusCode::OK
    );
    account.refresh().await?;
    assert_eq!(
        client.clone().oneshot(call()?).await?.status(),
        StatusCode::OK
    );

    // A disconnect revokes the tokens at the provider; the client has none from now on.
    account.disconnect().await?;
    assert_eq!(emulator.counters().revocations, 1);
    assert!(client.oneshot(call()?).await.is_err());

    accounts.shutdown(std::time::Duration::from_secs(5)).await?;
    println!(
        "a login, two calls, a refresh and a revocation, with a dialect of {} lines",
        DIALECT.lines().count()
    );
    Ok(())
}
