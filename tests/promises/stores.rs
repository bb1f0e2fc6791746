//! Every store keeps an account from one process to the next, and shows its changes to others.

use crate::setup::{SECOND, Setup, builder};
use tokenkeeper::{
    Error, MemoryStore, Status,
    sqlite::SqliteStore,
    store::{Keyring, TokenStore},
};

/// Refreshes in one engine and reads in another, then disconnects there. `check` gets the access
/// token while it is in the store.
async fn keeps_an_account<S: TokenStore>(open: impl AsyncFn() -> S, check: impl FnOnce(&str)) {
    let setup = Setup::expired_in(open().await).await;
    let token = setup.account.token().await.unwrap();
    assert_eq!(token.generation(), 2);
    setup.accounts.shutdown(10 * SECOND).await.unwrap();
    check(token.expose());

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
    let status = same.status().await.unwrap();
    assert!(matches!(status, Status::Disconnected { .. }), "{status:?}");
    let error = same.token().await.unwrap_err();
    assert!(matches!(error, Error::Disconnected { .. }), "{error:?}");
    for engine in [next, other] {
        engine.shutdown(10 * SECOND).await.unwrap();
    }
}

pub fn keyring() -> Keyring {
    Keyring::new("2026", [7; 32]).unwrap()
}

#[tokio::test]
async fn the_store_in_memory_keeps_an_account() {
    let store = MemoryStore::new();
    keeps_an_account(async || store.clone(), |_| ()).await;
}

#[tokio::test]
async fn the_store_in_sqlite_keeps_an_account() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("tokens.db");
    let open = async || SqliteStore::open(&file, keyring()).await.unwrap();
    let is_encrypted = |token: &str| {
        // The file and its journal; another file may go away meanwhile.
        for name in ["tokens.db", "tokens.db-wal"] {
            let bytes = std::fs::read(directory.path().join(name)).unwrap_or_default();
            let mut windows = bytes.windows(token.len());
            assert!(!windows.any(|window| window == token.as_bytes()), "{name}");
        }
    };
    keeps_an_account(open, is_encrypted).await;
}

/// `scripts/test` installs the server, on Linux.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_store_in_redis_keeps_an_account() {
    use tokenkeeper::redis::RedisOptions;
    use tokenkeeper_test_support::redis::RedisServer;

    let server = RedisServer::start();
    let open = async || {
        let options = RedisOptions::new(server.url());
        options.open(keyring()).await.unwrap()
    };
    keeps_an_account(open, |_| ()).await;
}
