//! Every store keeps an account from one process to the next, and tells others of its changes.

use crate::setup::{SECOND, Setup, builder};
use tokenkeeper::{
    Error, MemoryStore,
    sqlite::SqliteStore,
    store::{Keyring, TokenStore},
};

/// Refreshes in one engine and reads in another, then disconnects there. Returns the access token.
async fn keeps_an_account<S: TokenStore>(open: impl AsyncFn() -> S) -> String {
    let setup = Setup::expired_in(open().await).await;
    let token = setup.account.token().await.unwrap();
    assert_eq!(token.generation(), 2);
    setup.accounts.shutdown(10 * SECOND).await.unwrap();

    let next = builder(open().await, setup.emulator.base())
        .build()
        .unwrap();
    let account = next.account("amiqus", "user-42").unwrap();
    assert_eq!(account.token().await.unwrap().generation(), 2);
    assert_eq!(setup.emulator.counters().refreshes(), 1);

    let other = builder(open().await, setup.emulator.base())
        .build()
        .unwrap();
    let same = other.account("amiqus", "user-42").unwrap();
    same.token().await.unwrap();
    account.disconnect().await.unwrap();
    same.status().await.unwrap();
    let error = same.token().await.unwrap_err();
    assert!(matches!(error, Error::Disconnected { .. }), "{error:?}");
    for engine in [next, other] {
        engine.shutdown(10 * SECOND).await.unwrap();
    }
    token.expose().to_owned()
}

pub fn keyring() -> Keyring {
    Keyring::new("2026", [7; 32]).unwrap()
}

#[tokio::test]
async fn the_store_in_memory_keeps_an_account() {
    let store = MemoryStore::new();
    keeps_an_account(async || store.clone()).await;
}

#[tokio::test]
async fn the_store_in_sqlite_keeps_an_account() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("tokens.db");
    let token = keeps_an_account(async || SqliteStore::open(&file, keyring()).await.unwrap()).await;
    // The last engine to close has moved the journal into the file.
    let bytes = std::fs::read(&file).unwrap();
    let mut windows = bytes.windows(token.len());
    assert!(
        !windows.any(|window| window == token.as_bytes()),
        "tokens are encrypted"
    );
}

/// `scripts/test` installs the server, on Linux.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_store_in_redis_keeps_an_account() {
    use tokenkeeper::redis::RedisOptions;
    use tokenkeeper_test_support::redis::RedisServer;

    let server = RedisServer::start();
    keeps_an_account(async || {
        let options = RedisOptions::new(server.url());
        options.open(keyring()).await.unwrap()
    })
    .await;
}
