//! Revalidation: memory is compared with the store.

use std::{mem::discriminant, time::Duration};

use tokenkeeper_emulator::DEFAULT_USER;
use tokenkeeper_engine::{Account, Error, EventKind, Options, StoreDown, TokenSource};
use tokio::time::Instant;

use crate::harness::{
    HOUR, StoreFault, World, assert_err, credential, drain_events, login, seconds, settle,
};

const INTERVAL: Duration = seconds(60);

#[tokio::test(start_paused = true)]
async fn a_notified_disconnect_elsewhere_is_seen_at_once() {
    let world = World::amiqus();
    let here = world.connect_account().await;
    let there = world.account_elsewhere();
    let mut events = tokenkeeper_engine::Accounts::from(&there).events();
    there.token().await.unwrap();
    here.disconnect().await.unwrap();
    settle().await;
    assert!(there.try_credential(true).is_none());
    assert_err!(there.token().await, Error::Disconnected { .. });
    assert!(drain_events(&mut events).contains(&EventKind::Disconnected));
}

#[tokio::test(start_paused = true)]
async fn an_idle_account_is_compared_before_its_next_use() {
    let world = World::amiqus();
    let (here, there) = world.connect_in_two_processes().await;
    tokio::time::sleep(INTERVAL * 4).await;
    world.store.reset_counts();
    here.disconnect().await.unwrap();
    let trips = world.store.round_trips();
    settle().await;
    assert_eq!(world.store.round_trips(), trips, "no caller needs it");
    assert!(there.try_credential(true).is_none());
    assert_err!(there.token().await, Error::Disconnected { .. });
}

#[tokio::test(start_paused = true)]
async fn an_unnotified_disconnect_is_seen_within_the_interval() {
    let world = World::without_notifications(Options::default());
    let (here, there) = world.connect_in_two_processes().await;
    here.disconnect().await.unwrap();
    for _ in 0..60 {
        world.advance(seconds(1)).await;
        let _ = there.try_credential(true);
        settle().await;
    }
    assert_err!(there.token().await, Error::Disconnected { .. });
    // A new login is seen in the same way.
    login(&world.emulator, &here).await.unwrap();
    world.advance(INTERVAL).await;
    assert_eq!(world.call_api(&there).await, 200);
}

#[tokio::test(start_paused = true)]
async fn memory_that_missed_two_comparisons_is_not_served() {
    let world = World::without_notifications(Options::default());
    let (here, there) = world.connect_in_two_processes().await;
    here.disconnect().await.unwrap();
    world.advance(INTERVAL * 2).await;
    assert!(there.try_credential(true).is_none());
    assert_err!(there.token().await, Error::Disconnected { .. });
}

#[tokio::test(start_paused = true)]
async fn a_hung_store_costs_a_second_and_an_event() {
    let world = World::without_notifications(Options::default());
    let account = world.connect_account().await;
    let mut events = world.accounts.events();
    world.advance(INTERVAL * 2).await;
    world.store.fail(usize::MAX, StoreFault::Hang);
    let started = Instant::now();
    credential(&account).await;
    assert!(started.elapsed() <= Duration::from_millis(1001));
    assert!(drain_events(&mut events).contains(&EventKind::ServedUnvalidated));
}

#[tokio::test(start_paused = true)]
async fn an_uncompared_token_is_refused_if_configured() {
    for fault in [StoreFault::Hang, StoreFault::Refuse] {
        let options = Options::new().store_down(StoreDown::Refuse);
        let world = World::without_notifications(options);
        let account = world.connect_account().await;
        world.store.fail(usize::MAX, fault);
        world.advance(INTERVAL + seconds(1)).await;
        assert!(
            account.try_credential(true).is_some(),
            "one comparison is overdue"
        );
        settle().await;
        world.advance(INTERVAL).await;
        assert!(account.try_credential(true).is_none());
        assert_err!(
            TokenSource::credential(&account, true).await,
            Error::Store { .. } | Error::Timeout { .. }
        );
        world.store.recover();
        world.advance(INTERVAL).await;
        assert_eq!(world.call_api(&account).await, 200);
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_restores_a_lost_tombstone() {
    for steps in [1, 99] {
        let world = World::without_notifications(Options::default());
        let account = world.connect_account().await;
        account.disconnect().await.unwrap();
        if steps == 1 {
            world.store.roll_back(&account.key(), 1).await;
        } else {
            world.store.remove(&account.key()).await;
        }
        world.advance(INTERVAL).await;
        assert_err!(account.token().await, Error::Disconnected { .. });
        let record = world.store.record(&account.key()).await;
        assert!(record["state"]["ended"].is_object(), "{record}");
    }
}

/// Returns an account whose token is stale for the next ten minutes, in a process that serves no
/// uncompared token.
async fn stale_and_strict() -> (World, Account) {
    let options = Options::new()
        .store_down(StoreDown::Refuse)
        .refresh_window(
            Duration::ZERO.max(Duration::from_secs(30)),
            Duration::from_secs(20 * 60),
        )
        .refresh_fraction(0.5);
    let world = World::without_notifications(options);
    let account = world.connect_account().await;
    world.advance(HOUR - seconds(599)).await;
    account.status().await.unwrap();
    (world, account)
}

/// Returns how long the account is still served, and checks that it is at most two intervals.
async fn served_for(world: &World, account: &Account) -> Duration {
    let started = Instant::now();
    while TokenSource::credential(account, true).await.is_ok() {
        let waited = started.elapsed();
        assert!(waited <= INTERVAL * 2, "still served after {waited:?}");
        world.advance(seconds(1)).await;
        settle().await;
    }
    started.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_fails_on_the_store_is_no_comparison() {
    let (world, account) = stale_and_strict().await;
    world.store.fail(usize::MAX, StoreFault::Refuse);
    let served = served_for(&world, &account).await;
    assert!(served >= INTERVAL, "one comparison may fail");
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_record_does_not_count_as_a_comparison() {
    let (world, account) = stale_and_strict().await;
    world.store.make_unreadable(&account.key()).await;
    served_for(&world, &account).await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_down_is_asked_with_growing_pauses() {
    let world = World::without_notifications(Options::default());
    let account = world.connect_account().await;
    world.advance(HOUR - seconds(140)).await;
    account.status().await.unwrap();
    world.store.fail(usize::MAX, StoreFault::Refuse);
    world.store.reset_counts();
    let mut events = world.accounts.events();
    let started = Instant::now();
    while started.elapsed() < seconds(100) {
        assert!(account.try_credential(true).is_some());
        world.advance(Duration::from_millis(100)).await;
        settle().await;
    }
    assert!(drain_events(&mut events).contains(&EventKind::ServedUnvalidated));
    // Pauses of up to 8 s between jobs of at most four calls.
    let trips = world.store.round_trips();
    assert!((10..80).contains(&trips), "{trips}");
}

#[tokio::test(start_paused = true)]
async fn an_explicit_refresh_sees_a_login_elsewhere() {
    for by_the_provider in [true, false] {
        let world = World::without_notifications(Options::default());
        let account = world.connect_account().await;
        if by_the_provider {
            world.emulator.revoke_user(DEFAULT_USER);
        } else {
            account.disconnect().await.unwrap();
        }
        let error = account.refresh().await.unwrap_err();
        assert_eq!(
            matches!(error, Error::ReauthorizationRequired { .. }),
            by_the_provider,
            "{error:?}"
        );
        // While the store fails, the known reason is returned.
        world.store.fail(usize::MAX, StoreFault::Refuse);
        let again = account.refresh().await.unwrap_err();
        assert_eq!(discriminant(&again), discriminant(&error), "{again:?}");
        world.store.recover();
        login(&world.emulator, &world.account_elsewhere())
            .await
            .unwrap();
        account.refresh().await.unwrap();
        assert_eq!(world.call_api(&account).await, 200);
    }
}

/// Uses the accounts once a second for this time, and returns how many reads each second took.
async fn use_for(world: &World, accounts: &[Account], time: Duration) -> Vec<usize> {
    let mut reads = Vec::new();
    for _ in 0..time.as_secs() {
        world.store.reset_counts();
        world.advance(seconds(1)).await;
        for account in accounts {
            let _ = account.try_credential(true);
        }
        settle().await;
        reads.push(world.store.round_trips());
    }
    reads
}

#[tokio::test(start_paused = true)]
async fn a_watched_account_is_compared_every_ten_minutes() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    let accounts = [account];
    let first: usize = use_for(&world, &accounts, seconds(130)).await.iter().sum();
    assert_eq!(first, 1, "it was connected before the watch was relied on");
    let later = world.accounts.account("amiqus", "user-later").unwrap();
    login(&world.emulator, &later).await.unwrap();
    let first: usize = use_for(&world, &[later], seconds(130)).await.iter().sum();
    assert_eq!(first, 0, "it was connected while the watch was relied on");
    let reads = use_for(&world, &accounts, 40 * INTERVAL).await;
    let at: Vec<_> = (0..).zip(&reads).filter(|(_, reads)| **reads > 0).collect();
    assert!((3..=4).contains(&at.len()), "{at:?} in 40 minutes");
}

#[tokio::test(start_paused = true)]
async fn a_lost_watch_leads_to_one_comparison_of_each_account() {
    const ACCOUNTS: usize = 100;
    let world = World::amiqus();
    let mut accounts = Vec::new();
    for user in 0..=ACCOUNTS {
        let account = world.accounts.account("amiqus", &format!("user-{user}"));
        accounts.push(account.unwrap());
        login(&world.emulator, &accounts[user]).await.unwrap();
    }
    let idle = accounts.pop().unwrap();
    use_for(&world, &accounts, 4 * INTERVAL).await;
    let quiet: usize = use_for(&world, &accounts, INTERVAL).await.iter().sum();
    assert_eq!(quiet, 0, "the watch is open");
    world.store.end_streams();
    let reads = use_for(&world, &accounts, INTERVAL + seconds(2)).await;
    let sum: usize = reads.iter().sum();
    assert!((ACCOUNTS..=ACCOUNTS + 6).contains(&sum), "{reads:?}");
    assert!(reads.iter().all(|&each| each <= 4), "at once: {reads:?}");
    // Those that were compared before the new stream is relied on are compared once more.
    let again = use_for(&world, &accounts, 4 * INTERVAL).await;
    let again: usize = again.iter().sum();
    assert!(
        (ACCOUNTS / 6..=ACCOUNTS / 3).contains(&again),
        "{again} again"
    );
    let quiet: usize = use_for(&world, &accounts, INTERVAL).await.iter().sum();
    assert_eq!(quiet, 0, "the watch is open again");
    drop(idle);
}

#[tokio::test(start_paused = true)]
async fn a_change_without_a_watch_is_seen_within_the_interval() {
    let world = World::amiqus();
    let (here, there) = world.connect_in_two_processes().await;
    let idle = world.account_elsewhere();
    idle.token().await.unwrap();
    let in_use = [there];
    use_for(&world, &in_use, 5 * INTERVAL).await;
    let _ = idle.try_credential(true);
    settle().await;
    world.store.end_streams();
    settle().await;
    assert_eq!(world.store.listeners(), 0);
    here.disconnect().await.unwrap();
    assert!(
        in_use[0].try_credential(true).is_some(),
        "no one was notified"
    );
    use_for(&world, &in_use, INTERVAL + seconds(2)).await;
    assert!(in_use[0].try_credential(true).is_none());
    // What is not used is compared before its next use.
    world.advance(INTERVAL).await;
    assert!(idle.try_credential(true).is_none());
    assert_err!(idle.token().await, Error::Disconnected { .. });
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_keeps_ending_saves_no_comparison() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    let accounts = [account];
    let mut reads = 0;
    for _ in 0..20 {
        reads += use_for(&world, &accounts, seconds(59))
            .await
            .iter()
            .sum::<usize>();
        world.store.end_streams();
    }
    // One in each interval at least, and one after each loss at most.
    assert!((18..=40).contains(&reads), "{reads} in twenty minutes");
}
