//! From the log alone, at `info`, an operator can tell why an account stopped working.

use std::{io, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use tokenkeeper_emulator::{DEFAULT_USER, Endpoint, Fault as EndpointFault};
use tokenkeeper_engine::{
    Accounts, Options, RequestBody, Transport, TransportError,
    store::{Encrypted, EncryptionKey, Keyring},
};
use tokenkeeper_test_support::{
    HOUR, MINUTE, StoreFault, World, amiqus,
    log::{self, assert_one_line, assert_one_such_line, take_lines},
    login, seconds, settle,
};

/// A transport to a provider that is down.
#[derive(Debug)]
struct Down;

#[async_trait]
impl Transport for Down {
    async fn send(
        &self,
        _: Request<RequestBody>,
        _: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        Err(TransportError::NotSent(Box::new(io::Error::other(refused))))
    }
}

#[tokio::test(start_paused = true)]
async fn provider_down() {
    log::start();
    let world = World::amiqus();
    world.connect_account().await;
    let process = world.builder().transport(Down).build().unwrap();
    let account = world.account_of(&process);
    account.status().await.unwrap();
    take_lines();
    assert!(account.refresh().await.is_err());
    let digest = account.digest().to_string();
    let parts = [
        "token requests fail",
        "provider=\"amiqus\"",
        "error=the token endpoint did not respond",
        "could not be reached",
        "connection refused",
        &digest,
    ];
    assert_one_line("WARN", &parts);
}

#[tokio::test(start_paused = true)]
async fn client_refused() {
    log::start();
    let world = World::amiqus();
    world.connect_account().await;
    let account = world.account_of(&world.process_with_secret("wrong"));
    account.status().await.unwrap();
    take_lines();
    for _ in 0..3 {
        assert!(account.refresh().await.is_err());
        tokio::time::sleep(HOUR).await;
    }
    let parts = [
        "refuses this client",
        "provider=\"amiqus\"",
        "invalid_client",
        "client id and secret",
    ];
    assert_one_such_line("WARN", &parts);
}

#[tokio::test(start_paused = true)]
async fn client_refused_while_the_provider_is_down() {
    log::start();
    let world = World::amiqus();
    world.connect_account().await;
    let account = world.account_of(&world.process_with_secret("wrong"));
    account.status().await.unwrap();
    take_lines();
    let faults = world.emulator.faults();
    faults.once(Endpoint::Token, EndpointFault::ServerError);
    for _ in 0..2 {
        assert!(account.refresh().await.is_err());
        tokio::time::sleep(seconds(1)).await;
    }
    let lines = take_lines();
    assert!(lines[0].contains("token requests fail"), "{lines:#?}");
    assert!(lines[1].contains("refuses this client"), "{lines:#?}");
    // The process with the right secret reads of it.
    assert!(
        lines[2].contains("another process was refused"),
        "{lines:#?}"
    );
    assert_eq!(lines.len(), 3, "{lines:#?}");
}

#[tokio::test(start_paused = true)]
async fn user_revoked() {
    log::start();
    let world = World::amiqus();
    let account = world.connect_account().await;
    take_lines();
    world.emulator.revoke_user(DEFAULT_USER);
    for _ in 0..3 {
        assert!(account.refresh().await.is_err());
    }
    let digest = account.digest().to_string();
    let parts = [
        "needs a new login",
        "cause=refresh token refused (invalid_grant)",
        "provider=\"amiqus\"",
        &digest,
    ];
    assert_one_line("WARN", &parts);
}

#[tokio::test(start_paused = true)]
async fn store_down() {
    log::start();
    let world = World::without_notifications(Options::default());
    let account = world.connect_account().await;
    take_lines();
    world.store.fail(usize::MAX, StoreFault::Refuse);
    assert!(account.refresh().await.is_err());
    let parts = ["the store fails", "the store is unavailable", ": refused"];
    assert_one_line("WARN", &parts);
}

#[tokio::test(start_paused = true)]
async fn store_behind() {
    log::start();
    let world = World::amiqus();
    let account = world.connect_account().await;
    world.advance(HOUR).await;
    account.status().await.unwrap();
    take_lines();
    // The attempt is written, and its result is not.
    world.store.fail_after(1, 30, StoreFault::Refuse);
    account.token().await.unwrap();
    for _ in 0..60 {
        world.advance(seconds(1)).await;
        settle().await;
    }
    world.advance(HOUR).await;
    account.refresh().await.unwrap();
    let lines = take_lines();
    let only = |part: &str| {
        let mut with = lines.iter().filter(|line| line.contains(part));
        assert!(with.next().is_some(), "{part}: {lines:#?}");
        assert!(with.next().is_none(), "{part}: {lines:#?}");
    };
    only("WARN tokenkeeper_engine::engine::store_health: new tokens are only in memory");
    only("all tokens are in the store again accounts=1");
}

fn over(world: &World, id: &str) -> Accounts {
    let keyring = Keyring::new(id, EncryptionKey::random()).unwrap();
    let store = Encrypted::new(world.store.clone(), keyring);
    Accounts::builder(store)
        .provider(amiqus())
        .transport(tokenkeeper_test_support::InProcessTransport::new(
            world.emulator.clone(),
        ))
        .clock(world.clock.clone())
        .build()
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn wrong_key() {
    log::start();
    let world = World::amiqus();
    let account = world.account_of(&over(&world, "2025"));
    login(&world.emulator, &account).await.unwrap();
    take_lines();
    let account = world.account_of(&over(&world, "2026"));
    // Before an account needs it, and once for the account.
    for _ in 0..3 {
        assert!(account.token().await.is_err());
        tokio::time::sleep(MINUTE).await;
    }
    let digest = account.digest().to_string();
    let keys = "encrypted with the key \"2025\", and this process has [\"2026\"]";
    let mut lines = take_lines();
    lines.sort_by_key(|line| line.contains(&digest));
    let [store, account] = &lines[..] else {
        panic!("{lines:#?}");
    };
    for (line, text) in [
        (store, "the store needs attention"),
        (account, "the record of an account cannot be read"),
    ] {
        let has_all = [" WARN ", text, keys]
            .iter()
            .all(|part| line.contains(part));
        assert!(has_all, "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_refresher_says_how_long_where_and_why_it_pauses() {
    log::start();
    let world = World::amiqus();
    world.connect_account().await;
    take_lines();
    world.advance(50 * MINUTE).await;
    let busy = EndpointFault::TooManyRequests { retry_after: 600 };
    world.emulator.faults().always(Endpoint::Token, busy);
    let process = world.another_process();
    let shutdown = tokio::time::sleep(3 * HOUR);
    process.refresher().run(shutdown).await.unwrap();
    let parts = [
        "the refresher pauses a provider",
        "provider=\"amiqus\"",
        "site=\"http://127.0.0.1:9\"",
        "pause=6",
        "(429",
    ];
    assert_one_such_line("WARN", &parts);
}

#[tokio::test(start_paused = true)]
async fn a_login_and_its_end_are_logged() {
    log::start();
    let world = World::amiqus();
    let account = world.connect_account().await;
    let digest = account.digest().to_string();
    assert_one_line("INFO", &["an account is connected", "amiqus", &digest]);
    account.refresh().await.unwrap();
    assert!(take_lines().is_empty(), "a refresh is logged at debug");
    account.disconnect().await.unwrap();
    assert_one_line("INFO", &["an account is disconnected", "amiqus", &digest]);
    account.forget().await.unwrap();
    assert_one_line("INFO", &["an account is forgotten", "amiqus", &digest]);
}
