//! processes that share a store refresh an account once, and take over from one that died.

use std::{sync::atomic::Ordering, time::Duration};

use tokenkeeper_emulator::Endpoint;
use tokenkeeper_engine::{
    Account, Advice, Options, Token,
    store::{TokenStore as _, Version},
};
use tokio::{task::JoinHandle, time::Instant};

use crate::harness::{Fault, HOUR, LEASE, World, settle};

fn patient() -> Options {
    Options::new().acquire_timeout(Duration::from_secs(300))
}

fn ask(account: &Account) -> JoinHandle<Token> {
    let account = account.clone();
    tokio::spawn(async move { account.token().await.unwrap() })
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn two_processes_make_one_token_request_whether_the_store_tells_or_not() {
    for world in [World::amiqus(), World::mute(Options::default())] {
        let here = world.connected().await;
        let there = world.elsewhere();
        there.token().await.unwrap();
        world.pass(HOUR).await;
        let gate = world.emulator.faults().hold(Endpoint::Token);
        let tasks: Vec<_> = (0..64).flat_map(|_| [ask(&here), ask(&there)]).collect();
        gate.arrived(1).await;
        settle().await;
        gate.release();
        for task in tasks {
            assert_eq!(task.await.unwrap().generation(), 2);
        }
        assert_eq!(world.token_requests(), 1);
        let counters = world.emulator.counters();
        assert_eq!(counters.max_concurrent_presentations, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn another_process_needs_at_most_two_round_trips_where_the_store_tells() {
    let world = World::amiqus();
    let here = world.connected().await;
    let there = world.elsewhere();
    there.token().await.unwrap();
    world.pass(HOUR).await;
    here.status().await.unwrap();
    there.status().await.unwrap();
    world.store.reset_counts();
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let first = ask(&here);
    gate.arrived(1).await;
    let second = ask(&there);
    tokio::time::sleep(Duration::from_millis(50)).await;
    gate.release();
    first.await.unwrap();
    let answered = Instant::now();
    assert_eq!(second.await.unwrap().generation(), 2);
    assert!(answered.elapsed() < Duration::from_millis(10));
    settle().await;
    // Two of the one that refreshes: the attempt and the result.
    assert_eq!(world.store.round_trips(), 4);
    assert_eq!(world.token_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn our_own_writes_lead_to_no_comparison() {
    let world = World::amiqus();
    let account = world.connected().await;
    tokio::time::sleep(seconds(1)).await;
    world.store.reset_counts();
    account.refresh().await.unwrap();
    tokio::time::sleep(seconds(1)).await;
    assert!(tokenkeeper_engine::TokenSource::try_credential(&account, true).is_some());
    settle().await;
    assert_eq!(world.store.round_trips(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_attempt_of_a_killed_process_is_left_alone_for_its_lease_and_not_longer() {
    for world in [World::amiqus_with(patient()), World::mute(patient())] {
        let account = world.connected().await;
        world.pass(HOUR).await;
        world.killed_in_mid_refresh().await;
        let started = Instant::now();
        assert_eq!(account.token().await.unwrap().generation(), 2);
        let waited = started.elapsed();
        assert!((LEASE..LEASE + seconds(2)).contains(&waited), "{waited:?}");
        assert_eq!(world.emulator.counters().presented_after_answer(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn no_lease_is_judged_by_wall_clocks() {
    let world = World::mute(patient());
    let account = world.connected().await;
    world.pass(HOUR).await;
    world.killed_in_mid_refresh().await;
    let started = Instant::now();
    let asked = ask(&account);
    for _ in 0..5 {
        tokio::time::sleep(LEASE / 6).await;
        world.clock.jump_ahead(HOUR);
    }
    tokio::time::sleep(LEASE / 6 - seconds(1)).await;
    assert!(!asked.is_finished());
    asked.await.unwrap();
    assert!(started.elapsed() >= LEASE);
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_was_suspended_looks_again_before_it_sends() {
    let world = World::amiqus();
    let account = world.connected().await;
    world.pass(HOUR).await;
    account.status().await.unwrap();
    world.store.reset_counts();
    world.store.hold_next_put();
    let asked = ask(&account);
    settle().await;
    // The monotonic clock stood still; by the others', the lease is long over.
    world.clock.jump_ahead(seconds(600));
    world.store.let_go();
    asked.await.unwrap();
    // The first attempt is taken back by the write of the second.
    assert_eq!(world.store.gets.load(Ordering::SeqCst), 0);
    // Two attempts and a result.
    assert_eq!(world.store.puts.load(Ordering::SeqCst), 3);
    assert_eq!(world.token_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_code_is_not_sent_by_who_was_suspended_meanwhile() {
    let world = World::amiqus();
    let account = world.account();
    let start = account.connect().unwrap();
    let redirect = crate::harness::approve(&world.emulator, start.url.as_str()).await;
    world.store.hold_next_put();
    let finish = tokio::spawn({
        let (accounts, flow) = (world.accounts.clone(), start.flow.clone());
        let redirect = redirect.clone();
        async move { accounts.finish(flow, redirect).await }
    });
    settle().await;
    world.clock.jump_ahead(seconds(60));
    world.store.let_go();
    let error = finish.await.unwrap().unwrap_err();
    assert!(matches!(error.advice(), Advice::Retry { .. }), "{error:?}");
    assert_eq!(world.token_requests(), 0);
    world.accounts.finish(start.flow, redirect).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_pause_of_the_watcher_starts_the_watch_anew() {
    let world = World::mute(patient());
    let account = world.connected().await;
    world.pass(HOUR).await;
    world.killed_in_mid_refresh().await;
    let asked = ask(&account);
    tokio::time::sleep(LEASE / 2).await;
    // The process stood still, its clocks did not.
    world.clock.advance(LEASE);
    let resumed = Instant::now();
    asked.await.unwrap();
    let waited = resumed.elapsed();
    assert!((LEASE..LEASE + seconds(2)).contains(&waited), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_tells_of_a_change_and_fails_is_not_asked_without_a_pause() {
    let world = World::amiqus_with(patient());
    let account = world.connected().await;
    world.pass(HOUR).await;
    world.killed_in_mid_refresh().await;
    let asked = ask(&account);
    tokio::time::sleep(seconds(5)).await;
    let key = account.key();
    let mut entry = world.store.get(&key).await.unwrap().unwrap();
    entry.version = Version::random();
    world.store.fail(usize::MAX, Fault::Refuse);
    world.store.overwrite(&key, Some(entry)).await;
    world.store.reset_counts();
    tokio::time::sleep(seconds(10)).await;
    let gets = world.store.gets.load(Ordering::SeqCst);
    assert!((1..=41).contains(&gets), "{gets} in ten seconds");
    world.store.recover();
    asked.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn after_a_failure_of_the_store_its_holder_comes_first() {
    let world = World::mute(patient());
    let account = world.connected().await;
    world.pass(HOUR).await;
    world.killed_in_mid_refresh().await;
    let asked = ask(&account);
    tokio::time::sleep(LEASE - seconds(10)).await;
    world.store.fail(usize::MAX, Fault::Refuse);
    tokio::time::sleep(seconds(20)).await;
    world.store.recover();
    let recovered = Instant::now();
    asked.await.unwrap();
    let waited = recovered.elapsed();
    let retry = Duration::from_millis(500);
    assert!((retry * 2..seconds(3)).contains(&waited), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn after_a_store_that_hung_its_holder_comes_first_too() {
    let world = World::mute(patient());
    let account = world.connected().await;
    world.pass(HOUR).await;
    world.killed_in_mid_refresh().await;
    let asked = ask(&account);
    tokio::time::sleep(LEASE - seconds(10)).await;
    world.store.fail(usize::MAX, Fault::Hang);
    tokio::time::sleep(seconds(12)).await;
    world.store.recover();
    let recovered = Instant::now();
    asked.await.unwrap();
    // Calls are given up after a quarter of the lease; a write that hung is tried again then.
    let waited = recovered.elapsed();
    assert!((LEASE / 4..LEASE).contains(&waited), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_slow_store_does_not_keep_a_lease_alive_for_ever() {
    let world = World::mute(patient());
    let account = world.connected().await;
    world.pass(HOUR).await;
    world.killed_in_mid_refresh().await;
    world.store.slow(seconds(3));
    let started = Instant::now();
    account.token().await.unwrap();
    assert!(started.elapsed() < LEASE * 2, "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_task_that_listens_ends_with_its_engine_and_listens_again_after_its_stream_ended() {
    let world = World::amiqus();
    let account = world.connected().await;
    settle().await;
    assert_eq!(world.store.listeners(), 1);
    world.store.end_streams();
    settle().await;
    assert_eq!(world.store.listeners(), 0);
    tokio::time::sleep(seconds(61)).await;
    account.refresh().await.unwrap();
    settle().await;
    assert_eq!(world.store.listeners(), 1);
    let World {
        store, accounts, ..
    } = world;
    drop((account, accounts));
    settle().await;
    assert_eq!(store.listeners(), 0);
    assert_eq!(store.gets.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_hangs_is_sent_again_within_a_lease_that_a_grace_window_made_short() {
    let world = World::plain_with(|dialect| dialect.refresh.grace_seconds = Some(10));
    let account = world.connected().await;
    world.pass(HOUR).await;
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let (here, there) = (ask(&account), ask(&world.elsewhere()));
    gate.arrived(1).await;
    world.store.hold_next_put();
    gate.release();
    here.await.unwrap();
    there.await.unwrap();
    assert_eq!(world.token_requests(), 1);
}
