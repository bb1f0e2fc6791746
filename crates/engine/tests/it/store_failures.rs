//! persist, then serve; and a store that comes and goes.

use std::{sync::atomic::Ordering, time::Duration};

use tokenkeeper_emulator::{Endpoint, Fault as Broken};
use tokenkeeper_engine::{
    Cause, Error, EventKind, Options, TokenSource,
    store::{Entry, Version},
};
use tokio::time::Instant;

use crate::harness::{Fault, HOUR, World, drain, issued, login, settle};

#[tokio::test(start_paused = true)]
async fn a_refresh_token_is_never_sent_while_the_result_could_not_be_written() {
    let world = World::amiqus();
    let account = world.connected().await;
    world.pass(HOUR).await;
    world.store.fail(usize::MAX, Fault::Refuse);
    let error = account.token().await.unwrap_err();
    assert!(matches!(error, Error::Store { .. }), "{error:?}");
    assert_eq!(world.token_requests(), 0);
    world.store.recover();
    world.pass(Duration::from_secs(20)).await;
    assert_eq!(world.call(&account).await, 200);
}

#[tokio::test(start_paused = true)]
async fn tokens_that_cannot_be_written_are_served_and_written_later() {
    for fault in [Fault::Refuse, Fault::LoseReply, Fault::LoseRequest] {
        let world = World::amiqus();
        let account = world.connected().await;
        let mut events = world.accounts.events();
        world.pass(HOUR).await;
        account.status().await.unwrap();
        // The attempt's write goes through, the result's does not.
        world.store.fail_after(1, 5, fault);
        assert_eq!(world.call(&account).await, 200);
        assert_eq!(world.token_requests(), 1);
        for _ in 0..10 {
            world.pass(Duration::from_secs(1)).await;
            settle().await;
        }
        let seen = drain(&mut events);
        assert!(seen.contains(&EventKind::StoreBehind), "{fault:?}");
        assert!(seen.contains(&EventKind::StoreCaughtUp), "{fault:?}");
        let other = world
            .another_process()
            .account("amiqus", "user-42")
            .unwrap();
        other.token().await.unwrap();
        assert_eq!(world.token_requests(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_at_each_of_its_calls_loses_nothing() {
    for fault in [Fault::Refuse, Fault::LoseReply, Fault::LoseRequest] {
        for count in [1, 2, 7] {
            for after in 0..4 {
                let world = World::amiqus();
                let account = world.connected().await;
                world.pass(HOUR).await;
                world.store.fail_after(after, count, fault);
                for _ in 0..30 {
                    let _ = account.token().await;
                    world.pass(Duration::from_secs(5)).await;
                    settle().await;
                }
                assert_eq!(world.call(&account).await, 200, "{fault:?} {after} {count}");
                let counters = world.emulator.counters();
                assert_eq!(counters.token_requests, 1, "{fault:?} {after} {count}");
                assert_eq!(counters.presented_after_answer(), 0);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_that_the_store_lost_is_put_back() {
    let world = World::amiqus();
    let account = world.connected().await;
    let mut events = world.accounts.events();
    world.store.lose(&account.key()).await;
    account.refresh().await.unwrap();
    assert!(drain(&mut events).contains(&EventKind::StoreRestored));
    let other = world
        .another_process()
        .account("amiqus", "user-42")
        .unwrap();
    assert_eq!(other.token().await.unwrap().generation(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_record_lost_during_the_exchange_is_put_back() {
    let world = World::amiqus();
    let account = world.connected().await;
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let refresh = tokio::spawn({
        let account = account.clone();
        async move { account.refresh().await }
    });
    gate.arrived(1).await;
    world.store.lose(&account.key()).await;
    gate.release();
    refresh.await.unwrap().unwrap();
    let other = world
        .another_process()
        .account("amiqus", "user-42")
        .unwrap();
    assert_eq!(other.token().await.unwrap().generation(), 2);
    assert_eq!(world.token_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_went_back_in_time_is_brought_forward() {
    let world = World::amiqus();
    let account = world.connected().await;
    account.refresh().await.unwrap();
    account.refresh().await.unwrap();
    // Two writes a refresh: the last one, and both, are forgotten.
    world.store.go_back(&account.key(), 3).await;
    world.pass(Duration::from_secs(61)).await;
    assert!(account.try_credential(true).is_some());
    settle().await;
    let other = world
        .another_process()
        .account("amiqus", "user-42")
        .unwrap();
    assert_eq!(other.token().await.unwrap().generation(), 3);
    assert_eq!(world.token_requests(), 2);
    account.refresh().await.unwrap();
    assert_eq!(world.emulator.counters().presented_after_answer(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_record_of_a_newer_version_is_a_clear_error_and_not_overwritten() {
    let world = World::amiqus();
    let account = world.account();
    for value in [&br#"{"format":2,"record":{"new":1}}"#[..], b"not a record"] {
        let entry = Entry::new(Version::random(), value.to_vec());
        world
            .store
            .overwrite(&account.key(), Some(entry.clone()))
            .await;
        let error = account.token().await.unwrap_err();
        assert!(matches!(error, Error::Record { .. }), "{error:?}");
        assert!(account.adopt(issued(&world.emulator)).await.is_err());
        assert!(account.disconnect().await.is_err());
        assert_eq!(world.store.entry(&account.key()).await, Some(entry));
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_read_is_not_read_again_for_each_request() {
    let world = World::mute(Options::default());
    let account = world.connected().await;
    let good = world.store.entry(&account.key()).await;
    world.store.make_unreadable(&account.key()).await;
    world.store.reset_counts();
    for _ in 0..600 {
        world.pass(Duration::from_secs(1)).await;
        assert_eq!(world.call(&account).await, 200);
        settle().await;
    }
    let gets = world.store.gets.load(Ordering::SeqCst);
    assert!((10..120).contains(&gets), "{gets}");
    world.store.overwrite(&account.key(), good).await;
    // Who asks for it does not wait until the store is to be asked again.
    account.refresh().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_record_that_was_repaired_is_read_at_once_where_the_store_tells() {
    let world = World::amiqus();
    let key = world.connected().await.key();
    let there = world.elsewhere();
    let good = world.store.entry(&key).await;
    world.store.make_unreadable(&key).await;
    let error = there.token().await.unwrap_err();
    assert!(matches!(error, Error::Record { .. }), "{error:?}");
    settle().await;
    world.store.overwrite(&key, good).await;
    settle().await;
    there.token().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_long_ago_is_no_reason_to_serve_unvalidated() {
    let world = World::mute(Options::default());
    let here = world.connected().await;
    let there = world.elsewhere();
    there.token().await.unwrap();
    world.store.fail(1, Fault::Refuse);
    world.pass(Duration::from_secs(61)).await;
    assert!(there.try_credential(true).is_some());
    settle().await;
    here.disconnect().await.unwrap();
    world.pass(Duration::from_secs(600)).await;
    assert!(there.try_credential(true).is_none());
    let error = there.token().await.unwrap_err();
    assert!(matches!(error, Error::Disconnected { .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn while_the_store_is_unreachable_memory_is_served_until_expiry() {
    let world = World::amiqus();
    let account = world.connected().await;
    let mut events = world.accounts.events();
    world.store.fail(usize::MAX, Fault::Refuse);
    for _ in 0..30 {
        world.pass(Duration::from_secs(60)).await;
        assert_eq!(world.call(&account).await, 200);
        settle().await;
    }
    assert!(drain(&mut events).contains(&EventKind::ServedUnvalidated));
    world.pass(HOUR).await;
    assert!(TokenSource::credential(&account, true).await.is_err());
    assert_eq!(world.token_requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_lost_is_remembered_where_it_cannot_be_written() {
    let (world, account) = World::with_an_expired_token().await;
    world.lose_an_answer_and_its_note();
    let error = account.token().await.unwrap_err();
    assert!(matches!(error, Error::Store { .. }), "{error:?}");
    // A comparison finds the claim as it was written, and changes nothing.
    account.status().await.unwrap();
    world.pass(Duration::from_secs(20)).await;
    let error = account.token().await.unwrap_err();
    let Error::ReauthorizationRequired { cause, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(cause, Cause::ResponseLost);
    assert_eq!(world.token_requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_login_that_begins_meanwhile_takes_no_note_away() {
    let (world, account) = World::with_an_expired_token().await;
    let faults = world.emulator.faults();
    let busy = Broken::TooManyRequests { retry_after: 600 };
    faults.always(Endpoint::Token, busy);
    let gate = faults.hold(Endpoint::Token);
    let elsewhere = world.elsewhere();
    let (refreshed, connected, ()) = tokio::join!(
        account.token(),
        async {
            // The attempt is written and sent; what the login writes first comes over it.
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
    for account in [account, world.elsewhere()] {
        world.pass(Duration::from_secs(200)).await;
        let error = account.token().await.unwrap_err();
        assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    }
    assert_eq!(world.token_requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_a_server_asks_for_is_remembered_where_it_cannot_be_written() {
    let (world, account) = World::with_an_expired_token().await;
    let faults = world.emulator.faults();
    let busy = Broken::TooManyRequests { retry_after: 600 };
    faults.always(Endpoint::Token, busy);
    world.store.fail_after(1, 3, Fault::Refuse);
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(590) {
        let error = account.token().await.unwrap_err();
        assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
        world.pass(Duration::from_secs(5)).await;
        settle().await;
    }
    assert_eq!(world.token_requests(), 1);
    faults.clear_all();
    world.pass(Duration::from_secs(20)).await;
    account.token().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_refused_client_is_asked_less_though_that_is_not_written() {
    let world = World::mute(Options::default());
    let account = world.connected().await;
    let client = tokenkeeper_emulator::DEFAULT_CLIENT_ID;
    world.emulator.change_secret(client, "another");
    world.pass(HOUR).await;
    account.status().await.unwrap();
    world.store.fail_after(1, 3, Fault::Refuse);
    for _ in 0..30 {
        let error = account.token().await.unwrap_err();
        assert!(matches!(error, Error::Configuration { .. }), "{error:?}");
        world.pass(Duration::from_secs(5)).await;
    }
    // Pauses double from a second on.
    let requests = world.token_requests();
    assert!((2..=10).contains(&requests), "{requests}");
}

#[tokio::test(start_paused = true)]
async fn what_a_store_said_of_a_write_is_told_though_it_can_be_read() {
    let world = World::mute(Options::default());
    let account = world.connected().await;
    world.pass(HOUR).await;
    // The attempt is written, the new tokens are not.
    world.store.fail_after(1, usize::MAX, Fault::ReadOnly);
    let _ = account.token().await;
    for _ in 0..10 {
        let _ = account.status().await;
        let error = account.refresh().await.unwrap_err();
        assert!(matches!(error, Error::Store { .. }), "{error:?}");
        tokio::time::sleep(Duration::from_secs(7)).await;
    }
}
