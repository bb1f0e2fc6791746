//! The end: nothing that was handed to us stays only in memory unnamed.

use std::{collections::HashSet, time::Duration};

use tokenkeeper_emulator::{Endpoint, Fault as Broken};
use tokenkeeper_engine::{Account, Error, TokenSource};

use crate::harness::{Fault, HOUR, World, issued, login, settle};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn what_is_unwritten_is_flushed_when_the_store_recovers() {
    let world = World::amiqus();
    let account = world.connected().await;
    world.store.fail_after(1, usize::MAX, Fault::Refuse);
    account.refresh().await.unwrap();
    let closing = tokio::spawn({
        let accounts = world.accounts.clone();
        async move { accounts.shutdown(SECOND * 10).await }
    });
    tokio::time::sleep(SECOND * 5).await;
    assert!(!closing.is_finished());
    world.store.recover();
    closing.await.unwrap().unwrap();
    assert_eq!(world.elsewhere().token().await.unwrap().generation(), 2);
    assert_eq!(world.token_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn exactly_the_accounts_that_stayed_unwritten_are_named_and_another_call_waits_on() {
    let world = World::amiqus();
    let account = world.connected().await;
    // One that only compares, and one that waits for another process's attempt.
    let comparing = world.accounts.account("amiqus", "comparing").unwrap();
    world.store.fail_after(1, usize::MAX, Fault::Refuse);
    account.refresh().await.unwrap();
    world.store.fail(usize::MAX, Fault::Hang);
    tokio::spawn(async move { comparing.token().await });
    settle().await;
    let unwritten = world.accounts.shutdown(SECOND).await.unwrap_err();
    let named: Vec<_> = unwritten.accounts.iter().map(Account::digest).collect();
    assert_eq!(named, [account.digest()]);
    let text = format!("{unwritten} {unwritten:?}");
    assert!(text.contains(&account.digest().to_string()));
    assert!(!text.contains("user-42"));
    world.store.recover();
    world.accounts.shutdown(SECOND * 60).await.unwrap();
    assert_eq!(world.elsewhere().token().await.unwrap().generation(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_flight_that_waits_for_another_process_is_let_go() {
    let world = World::mute(Default::default());
    let account = world.connected().await;
    world.pass(HOUR).await;
    world.killed_in_mid_refresh().await;
    let waiting = tokio::spawn(async move { account.token().await });
    tokio::time::sleep(SECOND).await;
    world.accounts.shutdown(SECOND).await.unwrap();
    let error = waiting.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::ShutDown), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn an_exchange_in_flight_is_awaited_or_named() {
    let world = World::amiqus();
    let account = world.connected().await;
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let refresh = tokio::spawn({
        let account = account.clone();
        async move { account.refresh().await }
    });
    gate.arrived(1).await;
    let unwritten = world.accounts.shutdown(SECOND).await.unwrap_err();
    assert_eq!(unwritten.accounts.len(), 1);
    gate.release();
    world.accounts.shutdown(SECOND).await.unwrap();
    refresh.await.unwrap().unwrap();
    assert_eq!(world.elsewhere().token().await.unwrap().generation(), 2);
}

#[tokio::test(start_paused = true)]
async fn new_work_is_refused_afterwards_and_what_needs_none_is_not() {
    let world = World::amiqus();
    let account = world.connected().await;
    let start = account.connect().unwrap();
    let redirect = crate::harness::approve(&world.emulator, start.url.as_str()).await;
    world.accounts.shutdown(SECOND).await.unwrap();
    assert_eq!(world.call(&account).await, 200);
    let tokens = issued(&world.emulator);
    let refused = [
        account.refresh().await.err(),
        account.adopt(tokens).await.err(),
        account.disconnect().await.err(),
        world.accounts.finish(start.flow, redirect).await.err(),
    ];
    for error in refused {
        assert!(matches!(error, Some(Error::ShutDown)), "{error:?}");
    }
    world.pass(HOUR).await;
    assert!(matches!(account.token().await, Err(Error::ShutDown)));
    assert_eq!(world.token_requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_callers_runtime_that_ends_ends_no_refresh() {
    let world = World::amiqus();
    let account = world.connected().await;
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
    let waiting = tokio::spawn({
        let account = account.clone();
        async move { account.refresh().await }
    });
    settle().await;
    std::thread::spawn(move || drop(runtime)).join().unwrap();
    drop(gate);
    assert_eq!(waiting.await.unwrap().unwrap().generation(), 2);
    assert_eq!(world.call(&account).await, 200);
    assert_eq!(world.token_requests(), 1);
}

/// The result of a call whose caller waits for a second at most.
async fn for_a_second<F: Future>(call: F) -> Option<F::Output> {
    tokio::time::timeout(SECOND, call).await.ok()
}

#[tokio::test(start_paused = true)]
async fn what_is_unwritten_is_written_later_or_at_the_end() {
    for at_the_end in [true, false] {
        let world = World::amiqus();
        let account = world.connected().await;
        world.store.fail_after(1, usize::MAX, Fault::Refuse);
        let other = account.clone();
        let refreshed = for_a_second(async move { other.refresh().await }).await;
        refreshed.unwrap().unwrap();
        assert_eq!(world.token_requests(), 1);
        if at_the_end {
            let unwritten = world.accounts.shutdown(SECOND).await.unwrap_err();
            assert_eq!(unwritten.accounts.len(), 1);
            world.store.recover();
            world.accounts.shutdown(SECOND).await.unwrap();
        } else {
            world.store.recover();
            world.pass(SECOND * 61).await;
            assert!(account.try_credential(true).is_some());
            settle().await;
        }
        let record = world.store.record(&account.key()).await;
        assert_eq!(record["state"]["live"]["generation"], 2, "{record}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_that_cannot_be_written_keeps_no_other_from_it() {
    let world = World::mute(Default::default());
    let mut accounts = Vec::new();
    for number in 0..9 {
        let account = world.accounts.account("amiqus", &format!("{number}"));
        let account = login(&world.emulator, &account.unwrap()).await.unwrap();
        accounts.push(account);
    }
    let hanging = accounts.pop().unwrap();
    for account in &accounts {
        let account = account.clone();
        world.store.fail_after(1, usize::MAX, Fault::Refuse);
        let refreshed = for_a_second(async move { account.refresh().await }).await;
        refreshed.unwrap().unwrap();
    }
    world.store.recover();
    let gate = world.emulator.faults().hold(Endpoint::Token);
    tokio::spawn(async move { hanging.refresh().await });
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
    let account = world.connected().await;
    world.store.fail_after(1, 1, Fault::Hang);
    let other = account.clone();
    assert!(
        for_a_second(async move { other.refresh().await })
            .await
            .is_none()
    );
    assert_eq!(world.token_requests(), 1);
    assert_eq!(world.call(&account).await, 200);
    world.accounts.shutdown(SECOND).await.unwrap();
    assert_eq!(world.token_requests(), 1);
    let record = world.store.record(&account.key()).await;
    assert_eq!(record["state"]["live"]["generation"], 2, "{record}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_whose_first_write_hangs_is_remembered() {
    let world = World::amiqus();
    let account = world.connected().await;
    let refusal = Broken::json(400, &serde_json::json!({ "error": "invalid_grant" }));
    world.emulator.faults().once(Endpoint::Token, refusal);
    world.store.fail_after(1, 1, Fault::Hang);
    let other = account.clone();
    assert!(
        for_a_second(async move { other.refresh().await })
            .await
            .is_none()
    );
    assert_eq!(world.token_requests(), 1);
    world.pass(HOUR).await;
    for _ in 0..3 {
        let error = account.token().await.unwrap_err();
        assert!(
            matches!(error, Error::ReauthorizationRequired { .. }),
            "{error:?}"
        );
        world.pass(HOUR).await;
    }
    assert_eq!(world.token_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_login_whose_last_write_hangs_is_written() {
    let world = World::amiqus();
    let account = world.account();
    let tokens = issued(&world.emulator);
    world.store.fail_after(1, 1, Fault::Hang);
    let other = account.clone();
    let adopted = for_a_second(async move { other.adopt(tokens).await }).await;
    assert!(adopted.is_none());
    assert_eq!(world.call(&account).await, 200);
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
        let account = world.connected().await;
        (world, account)
    });
    drop(first);
    world.clock.advance(HOUR);
    assert!(account.try_credential(true).is_none());
    let token = runtime().block_on(account.token()).unwrap();
    assert_eq!(token.generation(), 2);
    assert_eq!(world.token_requests(), 1);
}
