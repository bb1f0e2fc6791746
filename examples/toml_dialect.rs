//! A provider that has no adapter: its dialect is a text, a file beside your configuration say.
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

/// What is not said is what the RFCs say: PKCE, the client's secret by Basic authentication, a Bearer token.
const DIALECT: &str = r#"
brand = "intranet"
base = "https://login.intranet.example"

[authorization]
endpoint = "/authorize"
scope = "profile"

[token]
endpoint = "/token"
client_authentication = "parameters"

# The provider ends the old access token when it gives out a new one.
[refresh]
old_access_token = "dies"

# Which status means "this token is refused", besides what the API uses it for.
[resource]
rejected = [401]

[revocation]
endpoint = "/revoke"
tokens = ["refresh_token"]
reaches = "authorization"
"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    // A provider that does what RFC 6749 says, on a port of this machine.
    let emulator = Emulator::plain().start().await?;
    let crypto = rustls::crypto::ring::default_provider();
    crypto
        .install_default()
        .expect("nothing was installed before");

    // A key that is misspelt, or a value that is none, is an error that names the line.
    let wrong =
        Dialect::from_toml(&DIALECT.replace("client_authentication", "client_authenticaton"));
    println!("a mistake: {}", wrong.expect_err("the key is misspelt"));

    let registration =
        Registration::new(DEFAULT_CLIENT_ID, DEFAULT_REDIRECT_URI)?.secret(DEFAULT_CLIENT_SECRET);
    let provider = Dialect::from_toml(DIALECT)?
        .with(registration)?
        .base(emulator.base())?;
    let accounts = Accounts::builder(MemoryStore::new())
        .provider(provider)
        .transport(HyperTransport::new()?)
        .build()?;

    // A login: to `start.url` and back; the emulator takes `approve=1` for the person's click.
    let account = accounts.account("intranet", "user-42")?;
    let start = account.connect()?;
    assert!(start.url.as_str().contains("code_challenge_method=S256"));
    let page = Request::get(format!("{}&approve=1", start.url)).body(Bytes::new())?;
    let answer = emulator.call(page).await?;
    let location = answer.headers()["location"].to_str()?;
    let (_, query) = location
        .split_once('?')
        .expect("the answer is in the query");
    accounts.finish(start.flow, Redirect::query(query)).await?;

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

    // The end: the tokens are revoked at the provider, and the client gets none any more.
    account.disconnect().await?;
    assert_eq!(emulator.counters().revocations, 1);
    assert!(client.oneshot(call()?).await.is_err());

    accounts.shutdown(std::time::Duration::from_secs(5)).await?;
    println!(
        "a login, two calls, a refresh and a revocation, by a dialect of {} lines",
        DIALECT.lines().count()
    );
    Ok(())
}
