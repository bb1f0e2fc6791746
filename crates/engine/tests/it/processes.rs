//! Processes that share a store refresh an account once, and take over from a dead process.

use std::{sync::atomic::Ordering, time::Duration};

use tokenkeeper_emulator::Endpoint;
use tokenkeeper_engine::{
    Account, Advice, Options,
    store::{TokenStore as _, Version},
};
use tokio::time::Instant;

use crate::harness::{
    HOUR, LEASE, StoreFault, World, join_after_release, seconds, settle, spawn_token,
};

/// Returns options under which callers outwait a lease.
fn patient() -> Options {
    Options::new().acquire_timeout(seconds(300))
}

/// Returns an account whose token has expired and that has the attempt of a dead process.
async fn with_dead_attempt(world: World) -> (World, Account) {
    let (world, account) = world.expired().await;
    world.leave_dead_attempt().await;
    (world, account)
}

#[tokio::test(start_paused = true)]
async fn two_processes_make_one_token_request() {
    for world in [
        World::amiqus(),
        World::without_notifications(Options::default()),
    ] {
        let (here, there) = world.connect_in_two_processes().await;
        world.advance(HOUR).await;
        let gate = world.emulator.faults().hold(Endpoint::Token);
        let tasks: Vec<_> = (0..64)
            .flat_map(|_| [spawn_token(&here), spawn_token(&there)])
            .collect();
        for result in join_after_release(gate, tasks).await {
            assert_eq!(result.unwrap().generation(), 2);
        }
        assert_eq!(world.token_requests(), 1);
        let counters = world.emulator.counters();
        assert_eq!(counters.max_concurrent_presentations, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_notified_process_needs_at_most_two_round_trips() {
    let world = World::amiqus();
    let (here, there) = world.connect_in_two_processes().await;
    world.advance(HOUR).await;
    here.status().await.unwrap();
    there.status().await.unwrap();
    world.store.reset_counts();
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let first = spawn_token(&here);
    gate.arrived(1).await;
    let second = spawn_token(&there);
    tokio::time::sleep(Duration::from_millis(50)).await;
    gate.release();
    first.await.unwrap().unwrap();
    let answered = Instant::now();
    assert_eq!(second.await.unwrap().unwrap().generation(), 2);
    assert!(answered.elapsed() < Duration::from_millis(10));
    settle().await;
    // Two by the refreshing process: the attempt and the result.
    assert_eq!(world.store.round_trips(), 4);
    assert_eq!(world.token_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn own_writes_start_no_comparison() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    tokio::time::sleep(seconds(1)).await;
    world.store.reset_counts();
    account.refresh().await.unwrap();
    tokio::time::sleep(seconds(1)).await;
    assert!(tokenkeeper_engine::TokenSource::try_credential(&account, true).is_some());
    settle().await;
    assert_eq!(world.store.round_trips(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_attempt_of_a_killed_process_is_left_alone_for_a_lease() {
    for world in [
        World::amiqus_with(patient()),
        World::without_notifications(patient()),
    ] {
        let (world, account) = with_dead_attempt(world).await;
        let started = Instant::now();
        assert_eq!(account.token().await.unwrap().generation(), 2);
        let waited = started.elapsed();
        assert!((LEASE..LEASE + seconds(2)).contains(&waited), "{waited:?}");
        assert_eq!(world.emulator.counters().presented_after_answer(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn no_lease_is_judged_by_wall_clocks() {
    let (world, account) = with_dead_attempt(World::without_notifications(patient())).await;
    let started = Instant::now();
    let asked = spawn_token(&account);
    for _ in 0..5 {
        tokio::time::sleep(LEASE / 6).await;
        world.clock.jump_ahead(HOUR);
    }
    tokio::time::sleep(LEASE / 6 - seconds(1)).await;
    assert!(!asked.is_finished());
    asked.await.unwrap().unwrap();
    assert!(started.elapsed() >= LEASE);
}

#[tokio::test(start_paused = true)]
async fn a_suspended_holder_claims_again_before_it_sends() {
    let (world, account) = World::amiqus().expired().await;
    account.status().await.unwrap();
    world.store.reset_counts();
    world.store.hold_next_put();
    let asked = spawn_token(&account);
    settle().await;
    // The monotonic clock stood still, and by other processes' clocks the lease has long expired.
    world.clock.jump_ahead(seconds(600));
    world.store.release();
    asked.await.unwrap().unwrap();
    // The write of the second attempt withdraws the first.
    assert_eq!(world.store.gets.load(Ordering::SeqCst), 0);
    // Two attempts and a result.
    assert_eq!(world.store.puts.load(Ordering::SeqCst), 3);
    assert_eq!(world.token_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_process_suspended_before_sending_does_not_send_a_code() {
    let world = World::amiqus();
    let (flow, redirect) = world.approved_login().await;
    world.store.hold_next_put();
    let finish = tokio::spawn({
        let (accounts, flow) = (world.accounts.clone(), flow.clone());
        let redirect = redirect.clone();
        async move { accounts.finish(flow, redirect).await }
    });
    settle().await;
    world.clock.jump_ahead(seconds(60));
    world.store.release();
    let error = finish.await.unwrap().unwrap_err();
    assert!(matches!(error.advice(), Advice::Retry { .. }), "{error:?}");
    assert_eq!(world.token_requests(), 0);
    world.accounts.finish(flow, redirect).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_pause_of_the_watcher_restarts_the_watch() {
    let (world, account) = with_dead_attempt(World::without_notifications(patient())).await;
    let asked = spawn_token(&account);
    tokio::time::sleep(LEASE / 2).await;
    // The process was paused, and its clocks were not.
    world.clock.advance(LEASE);
    let resumed = Instant::now();
    asked.await.unwrap().unwrap();
    let waited = resumed.elapsed();
    assert!((LEASE..LEASE + seconds(2)).contains(&waited), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_notification_of_a_failing_store_starts_no_busy_loop() {
    let (world, account) = with_dead_attempt(World::amiqus_with(patient())).await;
    let asked = spawn_token(&account);
    tokio::time::sleep(seconds(5)).await;
    let key = account.key();
    let mut entry = world.store.get(&key).await.unwrap().unwrap();
    entry.version = Version::random();
    world.store.fail(usize::MAX, StoreFault::Refuse);
    world.store.overwrite(&key, Some(entry)).await;
    world.store.reset_counts();
    tokio::time::sleep(seconds(10)).await;
    let gets = world.store.gets.load(Ordering::SeqCst);
    assert!((1..=41).contains(&gets), "{gets} in ten seconds");
    world.store.recover();
    asked.await.unwrap().unwrap();
}

/// Lets the store fail when the lease of a dead process has ten seconds left. Returns how long the
/// process that watches it waits after the store has recovered.
async fn wait_after_outage(fault: StoreFault, outage: Duration) -> Duration {
    let world = World::without_notifications(patient());
    let (world, account) = with_dead_attempt(world).await;
    let asked = spawn_token(&account);
    tokio::time::sleep(LEASE - seconds(10)).await;
    world.store.fail(usize::MAX, fault);
    tokio::time::sleep(outage).await;
    world.store.recover();
    let recovered = Instant::now();
    asked.await.unwrap().unwrap();
    recovered.elapsed()
}

#[tokio::test(start_paused = true)]
async fn after_an_outage_of_the_store_the_holder_comes_first() {
    let retry = Duration::from_millis(500);
    let waited = wait_after_outage(StoreFault::Refuse, seconds(20)).await;
    assert!((retry * 2..seconds(3)).contains(&waited), "{waited:?}");
    // Store calls time out after a quarter of the lease, and a hung write is retried then.
    let waited = wait_after_outage(StoreFault::Hang, seconds(12)).await;
    assert!((LEASE / 4..LEASE).contains(&waited), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_slow_store_does_not_prolong_a_dead_lease() {
    let (world, account) = with_dead_attempt(World::without_notifications(patient())).await;
    world.store.delay_calls(seconds(3));
    let started = Instant::now();
    account.token().await.unwrap();
    assert!(started.elapsed() < LEASE * 2, "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_change_listener_reconnects_and_ends_with_its_engine() {
    let world = World::amiqus();
    let account = world.connect_account().await;
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
    // The login looked for the account, and for the mark of a forgotten one.
    assert_eq!(store.gets.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_hung_write_is_retried_within_a_short_lease() {
    let (world, account) = World::plain_with(|dialect| dialect.refresh.grace_seconds = Some(10))
        .expired()
        .await;
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let (here, there) = (
        spawn_token(&account),
        spawn_token(&world.account_elsewhere()),
    );
    gate.arrived(1).await;
    world.store.hold_next_put();
    gate.release();
    here.await.unwrap().unwrap();
    there.await.unwrap().unwrap();
    assert_eq!(world.token_requests(), 1);
}
