//! Shutdown flushes unwritten tokens, reports any that remain, and refuses new work.

use std::sync::Arc;

use futures_util::FutureExt as _;
use tokenkeeper::{Error, MemoryStore};
use tokenkeeper_emulator::Endpoint;
use tokenkeeper_test_support::{FaultyStore, StoreFault};

use crate::setup::{SECOND, Setup};

#[tokio::test]
async fn it_waits_for_a_token_request_in_flight() {
    let store = MemoryStore::new();
    let setup = Setup::expired_in(store.clone()).await;
    let gate = setup.emulator.faults().hold(Endpoint::Token);
    let account = setup.account.clone();
    let asked = tokio::spawn(async move { account.token().await });
    gate.arrived(1).await;
    let mut closing = Box::pin(setup.accounts.shutdown(30 * SECOND));
    for _ in 0..100 {
        assert!(closing.as_mut().now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    gate.release();
    closing.await.unwrap();
    setup.assert_refreshed_once(store).await;
    assert_eq!(asked.await.unwrap().unwrap().generation(), 2);
}

#[tokio::test]
async fn it_names_the_accounts_that_stay_unwritten() {
    let store = Arc::new(FaultyStore::new(MemoryStore::new()));
    let setup = Setup::expired_in(store.clone()).await;
    store.fail_after(1, usize::MAX, StoreFault::Refuse);
    setup.account.token().await.unwrap();
    let unwritten = setup.accounts.shutdown(SECOND / 10).await.unwrap_err();
    assert_eq!(unwritten.accounts, std::slice::from_ref(&setup.account));
    let shown = format!("{unwritten} {unwritten:?}");
    assert!(!shown.contains("user-42"), "{shown}");
    store.recover();
    setup.accounts.shutdown(30 * SECOND).await.unwrap();
}

#[tokio::test]
async fn it_refuses_new_work() {
    let setup = Setup::expired().await;
    setup.accounts.shutdown(SECOND).await.unwrap();
    let error = setup.account.token().await.unwrap_err();
    assert!(matches!(error, Error::ShutDown), "{error:?}");
    assert_eq!(setup.emulator.counters().token_requests, 0);
}
