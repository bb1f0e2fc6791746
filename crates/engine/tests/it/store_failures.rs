//! Persist, then serve: behaviour with a store that fails and recovers.

use std::sync::atomic::Ordering;

use tokenkeeper_emulator::{Endpoint, Fault as EndpointFault};
use tokenkeeper_engine::{
    Cause, Error, EventKind, Options, TokenSource,
    store::{Entry, Version},
};
use tokio::time::Instant;

use crate::harness::{
    HOUR, StoreFault, World, assert_err, cause, drain_events, issue_tokens, login, seconds, settle,
    spawn_refresh,
};

#[tokio::test(start_paused = true)]
async fn a_refresh_token_is_not_sent_while_the_store_is_down() {
    let (world, account) = World::amiqus().expired().await;
    world.store.fail(usize::MAX, StoreFault::Refuse);
    assert_err!(account.token().await, Error::Store { .. });
    assert_eq!(world.token_requests(), 0);
    world.store.recover();
    world.advance(seconds(20)).await;
    assert_eq!(world.call_api(&account).await, 200);
}

#[tokio::test(start_paused = true)]
async fn tokens_that_cannot_be_written_are_served_and_written_later() {
    for fault in [
        StoreFault::Refuse,
        StoreFault::LoseReply,
        StoreFault::LoseRequest,
    ] {
        let world = World::amiqus();
        let account = world.connect_account().await;
        let mut events = world.accounts.events();
        world.advance(HOUR).await;
        account.status().await.unwrap();
        // The attempt is written, and its result is not.
        world.store.fail_after(1, 5, fault);
        assert_eq!(world.call_api(&account).await, 200);
        assert_eq!(world.token_requests(), 1);
        for _ in 0..10 {
            world.advance(seconds(1)).await;
            settle().await;
        }
        let seen = drain_events(&mut events);
        assert!(seen.contains(&EventKind::StoreBehind), "{fault:?}");
        assert!(seen.contains(&EventKind::StoreCaughtUp), "{fault:?}");
        let other = world.account_elsewhere();
        other.token().await.unwrap();
        assert_eq!(world.token_requests(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_at_each_of_its_calls_loses_nothing() {
    for fault in [
        StoreFault::Refuse,
        StoreFault::LoseReply,
        StoreFault::LoseRequest,
    ] {
        for count in [1, 2, 7] {
            for after in 0..4 {
                let (world, account) = World::amiqus().expired().await;
                world.store.fail_after(after, count, fault);
                for _ in 0..30 {
                    let _ = account.token().await;
                    world.advance(seconds(5)).await;
                    settle().await;
                }
                assert_eq!(
                    world.call_api(&account).await,
                    200,
                    "{fault:?} {after} {count}"
                );
                let counters = world.emulator.counters();
                assert_eq!(counters.token_requests, 1, "{fault:?} {after} {count}");
                assert_eq!(counters.presented_after_answer(), 0);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_that_the_store_lost_is_restored() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    let mut events = world.accounts.events();
    world.store.remove(&account.key()).await;
    account.refresh().await.unwrap();
    assert!(drain_events(&mut events).contains(&EventKind::StoreRestored));
    let other = world.account_elsewhere();
    assert_eq!(other.token().await.unwrap().generation(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_record_lost_during_the_exchange_is_restored() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let refresh = spawn_refresh(&account);
    gate.arrived(1).await;
    world.store.remove(&account.key()).await;
    gate.release();
    refresh.await.unwrap().unwrap();
    let other = world.account_elsewhere();
    assert_eq!(other.token().await.unwrap().generation(), 2);
    assert_eq!(world.token_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_went_back_in_time_is_restored() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    account.refresh().await.unwrap();
    account.refresh().await.unwrap();
    // A refresh makes two writes: the second refresh and the result of the first are lost.
    world.store.roll_back(&account.key(), 3).await;
    world.advance(seconds(61)).await;
    assert!(account.try_credential(true).is_some());
    settle().await;
    let other = world.account_elsewhere();
    assert_eq!(other.token().await.unwrap().generation(), 3);
    assert_eq!(world.token_requests(), 2);
    account.refresh().await.unwrap();
    assert_eq!(world.emulator.counters().presented_after_answer(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_record_is_an_error_and_not_overwritten() {
    let world = World::amiqus();
    let account = world.account();
    for value in [&br#"{"format":2,"record":{"new":1}}"#[..], b"not a record"] {
        let entry = Entry::new(Version::random(), value.to_vec());
        world
            .store
            .overwrite(&account.key(), Some(entry.clone()))
            .await;
        assert_err!(account.token().await, Error::Record { .. });
        assert!(account.adopt(issue_tokens(&world.emulator)).await.is_err());
        assert!(account.disconnect().await.is_err());
        assert_eq!(world.store.entry(&account.key()).await, Some(entry));
    }
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_record_is_not_read_for_each_request() {
    let world = World::without_notifications(Options::default());
    let account = world.connect_account().await;
    let good = world.store.entry(&account.key()).await;
    world.store.make_unreadable(&account.key()).await;
    world.store.reset_counts();
    for _ in 0..600 {
        world.advance(seconds(1)).await;
        assert_eq!(world.call_api(&account).await, 200);
        settle().await;
    }
    let gets = world.store.gets.load(Ordering::SeqCst);
    assert!((10..120).contains(&gets), "{gets}");
    world.store.overwrite(&account.key(), good).await;
    // An explicit refresh does not wait for the pause between reads.
    account.refresh().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_notified_repair_of_a_record_is_read_at_once() {
    let world = World::amiqus();
    let key = world.connect_account().await.key();
    let there = world.account_elsewhere();
    let good = world.store.entry(&key).await;
    world.store.make_unreadable(&key).await;
    assert_err!(there.token().await, Error::Record { .. });
    settle().await;
    world.store.overwrite(&key, good).await;
    settle().await;
    there.token().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_old_store_failure_does_not_excuse_a_comparison() {
    let world = World::without_notifications(Options::default());
    let (here, there) = world.connect_in_two_processes().await;
    world.store.fail(1, StoreFault::Refuse);
    world.advance(seconds(61)).await;
    assert!(there.try_credential(true).is_some());
    settle().await;
    here.disconnect().await.unwrap();
    world.advance(seconds(600)).await;
    assert!(there.try_credential(true).is_none());
    assert_err!(there.token().await, Error::Disconnected { .. });
}

#[tokio::test(start_paused = true)]
async fn while_the_store_is_unreachable_memory_is_served_until_expiry() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    let mut events = world.accounts.events();
    world.store.fail(usize::MAX, StoreFault::Refuse);
    for _ in 0..30 {
        world.advance(seconds(60)).await;
        assert_eq!(world.call_api(&account).await, 200);
        settle().await;
    }
    assert!(drain_events(&mut events).contains(&EventKind::ServedUnvalidated));
    world.advance(HOUR).await;
    assert!(TokenSource::credential(&account, true).await.is_err());
    assert_eq!(world.token_requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_remembered_in_memory() {
    let (world, account) = World::expired_and_compared().await;
    world.lose_answer_and_its_record();
    assert_err!(account.token().await, Error::Store { .. });
    // A comparison finds the written claim and changes nothing.
    account.status().await.unwrap();
    world.advance(seconds(20)).await;
    let error = account.token().await.unwrap_err();
    assert_eq!(*cause(&error), Cause::ResponseLost);
    assert_eq!(world.token_requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_concurrent_login_keeps_the_record_of_a_failure() {
    let (world, account) = World::expired_and_compared().await;
    let faults = world.emulator.faults();
    let busy = EndpointFault::TooManyRequests { retry_after: 600 };
    faults.always(Endpoint::Token, busy);
    let gate = faults.hold(Endpoint::Token);
    let elsewhere = world.account_elsewhere();
    let (refreshed, connected, ()) = tokio::join!(
        account.token(),
        async {
            // The attempt is written and sent. The first write of the login replaces that record.
            gate.arrived(1).await;
            login(&world.emulator, &elsewhere).await
        },
        async {
            gate.arrived(2).await;
            gate.release();
        }
    );
    assert!(matches!(refreshed, Err(Error::Unavailable { .. })));
    assert!(connected.is_err());
    for account in [account, world.account_elsewhere()] {
        world.advance(seconds(200)).await;
        assert_err!(account.token().await, Error::Unavailable { .. });
    }
    assert_eq!(world.token_requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_is_remembered_in_memory() {
    let (world, account) = World::expired_and_compared().await;
    let faults = world.emulator.faults();
    let busy = EndpointFault::TooManyRequests { retry_after: 600 };
    faults.always(Endpoint::Token, busy);
    world.store.fail_after(1, 3, StoreFault::Refuse);
    let started = Instant::now();
    while started.elapsed() < seconds(590) {
        assert_err!(account.token().await, Error::Unavailable { .. });
        world.advance(seconds(5)).await;
        settle().await;
    }
    assert_eq!(world.token_requests(), 1);
    faults.clear_all();
    world.advance(seconds(20)).await;
    account.token().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_unwritten_refusal_of_the_client_still_backs_off() {
    let world = World::without_notifications(Options::default());
    let account = world.connect_account().await;
    let client = tokenkeeper_emulator::DEFAULT_CLIENT_ID;
    world.emulator.change_secret(client, "another");
    world.advance(HOUR).await;
    account.status().await.unwrap();
    world.store.fail_after(1, 3, StoreFault::Refuse);
    for _ in 0..30 {
        assert_err!(account.token().await, Error::Configuration { .. });
        world.advance(seconds(5)).await;
    }
    // Pauses double, beginning with a second.
    let requests = world.token_requests();
    assert!((2..=10).contains(&requests), "{requests}");
}

#[tokio::test(start_paused = true)]
async fn a_failed_write_is_reported_while_reads_succeed() {
    let (world, account) = World::without_notifications(Options::default())
        .expired()
        .await;
    // The attempt is written, and the new tokens are not.
    world.store.fail_after(1, usize::MAX, StoreFault::ReadOnly);
    let _ = account.token().await;
    for _ in 0..10 {
        let _ = account.status().await;
        assert_err!(account.refresh().await, Error::Store { .. });
        tokio::time::sleep(seconds(7)).await;
    }
}
