//! Shutdown: flushes unwritten tokens and reports any that remain.

use std::collections::HashSet;

use tokenkeeper_emulator::{Endpoint, Fault as EndpointFault};
use tokenkeeper_engine::{Account, Error, TokenSource};

use crate::harness::{
    HOUR, SECOND, StoreFault, World, assert_err, issue_tokens, login, settle, spawn_refresh,
    spawn_token,
};

#[tokio::test(start_paused = true)]
async fn shutdown_flushes_once_the_store_recovers() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    world.store.fail_after(1, usize::MAX, StoreFault::Refuse);
    account.refresh().await.unwrap();
    let closing = tokio::spawn({
        let accounts = world.accounts.clone();
        async move { accounts.shutdown(SECOND * 10).await }
    });
    tokio::time::sleep(SECOND * 5).await;
    assert!(!closing.is_finished());
    world.store.recover();
    closing.await.unwrap().unwrap();
    assert_eq!(world.generation_elsewhere().await, 2);
    assert_eq!(world.token_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn shutdown_names_exactly_the_unwritten_accounts() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    // An account that only waits for a comparison.
    let comparing = world.accounts.account("amiqus", "comparing").unwrap();
    world.store.fail_after(1, usize::MAX, StoreFault::Refuse);
    account.refresh().await.unwrap();
    world.store.fail(usize::MAX, StoreFault::Hang);
    spawn_token(&comparing);
    settle().await;
    let unwritten = world.accounts.shutdown(SECOND).await.unwrap_err();
    let named: Vec<_> = unwritten.accounts.iter().map(Account::digest).collect();
    assert_eq!(named, [account.digest()]);
    let text = format!("{unwritten} {unwritten:?}");
    assert!(text.contains(&account.digest().to_string()));
    assert!(!text.contains("user-42"));
    world.store.recover();
    world.accounts.shutdown(SECOND * 60).await.unwrap();
    assert_eq!(world.generation_elsewhere().await, 2);
}

#[tokio::test(start_paused = true)]
async fn shutdown_abandons_a_wait_for_another_process() {
    let (world, account) = World::without_notifications(Default::default())
        .expired()
        .await;
    world.leave_dead_attempt().await;
    let waiting = spawn_token(&account);
    tokio::time::sleep(SECOND).await;
    world.accounts.shutdown(SECOND).await.unwrap();
    assert_err!(waiting.await.unwrap(), Error::ShutDown);
}

#[tokio::test(start_paused = true)]
async fn shutdown_awaits_or_names_an_exchange_in_flight() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let refresh = spawn_refresh(&account);
    gate.arrived(1).await;
    let unwritten = world.accounts.shutdown(SECOND).await.unwrap_err();
    assert_eq!(unwritten.accounts.len(), 1);
    gate.release();
    world.accounts.shutdown(SECOND).await.unwrap();
    refresh.await.unwrap().unwrap();
    assert_eq!(world.generation_elsewhere().await, 2);
}

#[tokio::test(start_paused = true)]
async fn after_shutdown_only_valid_tokens_are_served() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    let (flow, redirect) = world.approved_login().await;
    world.accounts.shutdown(SECOND).await.unwrap();
    assert_eq!(world.call_api(&account).await, 200);
    let tokens = issue_tokens(&world.emulator);
    let refused = [
        account.refresh().await.err(),
        account.adopt(tokens).await.err(),
        account.disconnect().await.err(),
        world.accounts.finish(flow, redirect).await.err(),
    ];
    for error in refused {
        assert!(matches!(error, Some(Error::ShutDown)), "{error:?}");
    }
    world.advance(HOUR).await;
    assert_err!(account.token().await, Error::ShutDown);
    assert_eq!(world.token_requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_callers_runtime_ends_no_refresh() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    runtime.spawn({
        let account = account.clone();
        async move { account.refresh().await }
    });
    gate.arrived(1).await;
    let waiting = spawn_refresh(&account);
    settle().await;
    std::thread::spawn(move || drop(runtime)).join().unwrap();
    drop(gate);
    assert_eq!(waiting.await.unwrap().unwrap().generation(), 2);
    assert_eq!(world.call_api(&account).await, 200);
    assert_eq!(world.token_requests(), 1);
}

/// Returns the result of a call, or `None` if it takes longer than a second.
async fn for_a_second<F: Future>(call: F) -> Option<F::Output> {
    tokio::time::timeout(SECOND, call).await.ok()
}

#[tokio::test(start_paused = true)]
async fn unwritten_tokens_are_written_later_or_at_shutdown() {
    for at_the_end in [true, false] {
        let world = World::amiqus();
        let account = world.connect_account().await;
        world.store.fail_after(1, usize::MAX, StoreFault::Refuse);
        let refreshed = for_a_second(account.refresh()).await;
        refreshed.unwrap().unwrap();
        assert_eq!(world.token_requests(), 1);
        if at_the_end {
            let unwritten = world.accounts.shutdown(SECOND).await.unwrap_err();
            assert_eq!(unwritten.accounts.len(), 1);
            world.store.recover();
            world.accounts.shutdown(SECOND).await.unwrap();
        } else {
            world.store.recover();
            world.advance(SECOND * 61).await;
            assert!(account.try_credential(true).is_some());
            settle().await;
        }
        let record = world.store.record(&account.key()).await;
        assert_eq!(record["state"]["live"]["generation"], 2, "{record}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_unwritable_account_blocks_no_other() {
    let world = World::without_notifications(Default::default());
    let mut accounts = Vec::new();
    for number in 0..9 {
        let account = world.accounts.account("amiqus", &format!("{number}"));
        let account = login(&world.emulator, &account.unwrap()).await.unwrap();
        accounts.push(account);
    }
    let hanging = accounts.pop().unwrap();
    for account in &accounts {
        world.store.fail_after(1, usize::MAX, StoreFault::Refuse);
        let refreshed = for_a_second(account.refresh()).await;
        refreshed.unwrap().unwrap();
    }
    world.store.recover();
    let gate = world.emulator.faults().hold(Endpoint::Token);
    spawn_refresh(&hanging);
    gate.arrived(1).await;
    let (unreadable, others) = accounts.split_at(3);
    for account in unreadable {
        world.store.make_unreadable(&account.key()).await;
    }
    world.accounts.shutdown(SECOND).await.unwrap_err();
    for account in others {
        let record = world.store.record(&account.key()).await;
        assert_eq!(record["state"]["live"]["generation"], 2);
    }
    gate.release();
    let unwritten = world.accounts.shutdown(SECOND).await.unwrap_err();
    let digests = |accounts: &[Account]| accounts.iter().map(Account::digest).collect();
    let (named, expected): (HashSet<_>, HashSet<_>) =
        (digests(&unwritten.accounts), digests(unreadable));
    assert_eq!(named, expected);
}

#[tokio::test(start_paused = true)]
async fn a_first_write_that_hangs_loses_nothing() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    world.store.fail_after(1, 1, StoreFault::Hang);
    assert!(for_a_second(account.refresh()).await.is_none());
    assert_eq!(world.token_requests(), 1);
    assert_eq!(world.call_api(&account).await, 200);
    world.accounts.shutdown(SECOND).await.unwrap();
    assert_eq!(world.token_requests(), 1);
    let record = world.store.record(&account.key()).await;
    assert_eq!(record["state"]["live"]["generation"], 2, "{record}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_whose_first_write_hangs_is_remembered() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    let refusal = EndpointFault::json(400, &serde_json::json!({ "error": "invalid_grant" }));
    world.emulator.faults().once(Endpoint::Token, refusal);
    world.store.fail_after(1, 1, StoreFault::Hang);
    assert!(for_a_second(account.refresh()).await.is_none());
    assert_eq!(world.token_requests(), 1);
    world.advance(HOUR).await;
    for _ in 0..3 {
        assert_err!(account.token().await, Error::ReauthorizationRequired { .. });
        world.advance(HOUR).await;
    }
    assert_eq!(world.token_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_login_whose_last_write_hangs_is_written() {
    let world = World::amiqus();
    let account = world.account();
    let tokens = issue_tokens(&world.emulator);
    world.store.fail_after(1, 1, StoreFault::Hang);
    let adopted = for_a_second(account.adopt(tokens)).await;
    assert!(adopted.is_none());
    assert_eq!(world.call_api(&account).await, 200);
    world.accounts.shutdown(SECOND).await.unwrap();
    let record = world.store.record(&account.key()).await;
    assert_eq!(record["state"]["live"]["generation"], 1, "{record}");
}

#[test]
fn an_engine_outlives_the_runtime_that_it_was_built_in() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let first = runtime();
    let (world, account) = first.block_on(async {
        let world = World::amiqus();
        let account = world.connect_account().await;
        (world, account)
    });
    drop(first);
    world.clock.advance(HOUR);
    assert!(account.try_credential(true).is_none());
    let token = runtime().block_on(account.token()).unwrap();
    assert_eq!(token.generation(), 2);
    assert_eq!(world.token_requests(), 1);
}
