//! A token that was handed to us is never lost.

use std::{future::poll_fn, sync::Arc, task::Poll};

use http::StatusCode;
use tokenkeeper::{Cause, Error, EventKind, MemoryStore};
use tokenkeeper_emulator::{Endpoint, Fault};
use tokenkeeper_test_support::{FaultyStore, StoreFault, drain_events};

use crate::{
    client::{Front, get},
    setup::{SECOND, Setup},
};

#[tokio::test]
async fn a_caller_that_leaves_after_any_poll_loses_nothing() {
    for front in Front::ALL {
        for polls in 1.. {
            let setup = Setup::expired().await;
            let client = front.client(setup.account.clone());
            let mut call = Box::pin(client.send(get(setup.api())));
            let mut left = polls;
            let done = poll_fn(|cx| {
                if left == 0 {
                    return Poll::Ready(false);
                }
                left -= 1;
                call.as_mut().poll(cx).map(|_| true)
            });
            let done = done.await;
            drop(call);
            let response = client.send(get(setup.api())).await.unwrap();
            assert_eq!(
                response.status(),
                StatusCode::OK,
                "{front:?}, {polls} polls"
            );
            let counters = setup.emulator.counters();
            assert_eq!(counters.refreshes(), 1, "{front:?}, {polls} polls");
            assert_eq!(
                counters.presented_after_answer(),
                0,
                "{front:?}, {polls} polls"
            );
            if done {
                assert!(polls > 2, "the call waits at several places");
                break;
            }
        }
    }
}

#[tokio::test]
async fn tokens_that_the_store_refuses_are_served_and_written_later() {
    let store = Arc::new(FaultyStore::new(MemoryStore::new()));
    let setup = Setup::expired_in(store.clone()).await;
    let mut events = setup.accounts.events();
    // The attempt is written; its result is not.
    store.fail_after(1, usize::MAX, StoreFault::Refuse);
    assert_eq!(setup.account.token().await.unwrap().generation(), 2);
    assert!(drain_events(&mut events).contains(&EventKind::StoreBehind));
    store.recover();
    setup.accounts.shutdown(10 * SECOND).await.unwrap();
    setup.assert_refreshed_once(store).await;
}

#[tokio::test]
async fn a_callers_runtime_that_ends_loses_nothing() {
    let store = MemoryStore::new();
    let setup = Setup::expired_in(store.clone()).await;
    let gate = setup.emulator.faults().hold(Endpoint::Token);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let account = setup.account.clone();
    let asked = runtime.spawn(async move { account.token().await });
    gate.arrived(1).await;
    runtime.shutdown_background();
    assert!(asked.await.is_err(), "its runtime has ended");
    gate.release();
    setup.accounts.shutdown(10 * SECOND).await.unwrap();
    setup.assert_refreshed_once(store).await;
}

#[tokio::test]
async fn a_lost_answer_of_a_strict_provider_is_named() {
    let setup = Setup::expired().await;
    let faults = setup.emulator.faults();
    faults.once(Endpoint::Token, Fault::CutBeforeAnswer);
    let error = setup.account.token().await.unwrap_err();
    let Error::ReauthorizationRequired { cause, .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!(cause, Cause::ResponseLost);
    assert_eq!(
        setup.emulator.counters().refreshes(),
        2,
        "presented again once"
    );
}
