//! One reqwest client for all users: each request names its account.
//!
//! ```sh
//! cargo run --example reqwest_middleware
//! ```

use http::StatusCode;
use tokenkeeper::{
    Account, Accounts, Error, MemoryStore,
    protocol::{Registration, TokenSet},
    providers::Amiqus,
    reqwest::{ReqwestTransport, TokenMiddleware},
};
use tokenkeeper_emulator::{
    DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_REDIRECT_URI, Emulator, Endpoint, User,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    // The provider on a local port, with two people. For the real one, leave `.base(…)` out.
    let people = [User::new("ann@example.com"), User::new("bob@example.com")];
    let [ann, bob] = people;
    let emulator = Emulator::amiqus().user(ann).user(bob).start().await?;

    // The application chooses the crypto provider of rustls, unless reqwest brings one.
    let crypto = rustls::crypto::ring::default_provider();
    crypto
        .install_default()
        .expect("nothing was installed before");

    let registration =
        Registration::new(DEFAULT_CLIENT_ID, DEFAULT_REDIRECT_URI).secret(DEFAULT_CLIENT_SECRET);
    let accounts = Accounts::builder(MemoryStore::new())
        .provider(Amiqus::new(registration)?.base(emulator.base())?)
        .transport(ReqwestTransport::new()?)
        .build()?;

    let client = reqwest_middleware::ClientBuilder::new(reqwest::Client::new())
        .with(TokenMiddleware::per_request(&accounts)?)
        .build();

    // Adopts tokens that the application already has; `hyper_layer.rs` shows a login.
    let ann = adopted(&accounts, &emulator, "ann@example.com").await?;
    let bob = adopted(&accounts, &emulator, "bob@example.com").await?;

    let api = emulator.url(Endpoint::Api).expect("Amiqus has an API");
    for (account, login) in [(&ann, "ann@example.com"), (&bob, "bob@example.com")] {
        let response = client
            .get(&api)
            .with_extension(account.clone())
            .send()
            .await?;
        assert_eq!(response.status(), StatusCode::OK);
        assert!(response.text().await?.contains(login));
    }

    // A request to the provider that names no account fails. It is never sent without a token.
    assert!(client.get(&api).send().await.is_err());

    // Bob revokes the access at the provider. One refresh is tried, then the error says what to do.
    // Ann's account is unaffected.
    emulator.revoke_user("bob@example.com");
    for _ in 0..3 {
        let answer = client.get(&api).with_extension(bob.clone()).send().await;
        let error = answer.expect_err("the access was revoked");
        // The middleware's error, through all wrappers.
        let error = Error::find(&error).expect("the middleware's error");
        assert!(matches!(error, Error::ReauthorizationRequired { .. }));
    }
    assert_eq!(emulator.counters().refreshes(), 1);
    let response = client.get(&api).with_extension(ann).send().await?;
    assert_eq!(response.status(), StatusCode::OK);

    accounts.shutdown(std::time::Duration::from_secs(5)).await?;
    println!("each request carried its user's token; a revoked account was refreshed once");
    Ok(())
}

/// Adopts tokens from another system.
async fn adopted(
    accounts: &Accounts,
    emulator: &Emulator,
    login: &str,
) -> Result<Account, Box<dyn std::error::Error + Send + Sync>> {
    let issued = emulator.issue_tokens(login)?;
    let mut tokens = TokenSet::new(issued.access_token).with_refresh_token(issued.refresh_token);
    if let Some(expires_at) = issued.expires_at {
        tokens = tokens.with_expires_at(expires_at);
    }
    let account = accounts.account("amiqus", login)?;
    account.adopt(tokens).await?;
    Ok(account)
}
