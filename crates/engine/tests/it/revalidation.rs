//! memory is compared with the store.

use std::{mem::discriminant, time::Duration};

use tokenkeeper_emulator::DEFAULT_USER;
use tokenkeeper_engine::{Account, Error, EventKind, Options, StoreDown, TokenSource};
use tokio::time::Instant;

use crate::harness::{Fault, HOUR, World, drain, login, settle};

const INTERVAL: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn a_disconnect_elsewhere_is_heard_of_at_once_where_the_store_tells() {
    let world = World::amiqus();
    let here = world.connected().await;
    let there = world.elsewhere();
    let mut events = tokenkeeper_engine::Accounts::from(&there).events();
    there.token().await.unwrap();
    here.disconnect().await.unwrap();
    settle().await;
    assert!(there.try_credential(true).is_none());
    let error = there.token().await.unwrap_err();
    assert!(matches!(error, Error::Disconnected { .. }), "{error:?}");
    assert!(drain(&mut events).contains(&EventKind::Disconnected));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_in_use_is_compared_before_its_next_use_where_the_store_tells() {
    let world = World::amiqus();
    let here = world.connected().await;
    let there = world.elsewhere();
    there.token().await.unwrap();
    tokio::time::sleep(INTERVAL * 4).await;
    world.store.reset_counts();
    here.disconnect().await.unwrap();
    let trips = world.store.round_trips();
    settle().await;
    assert_eq!(world.store.round_trips(), trips, "nobody needs it now");
    assert!(there.try_credential(true).is_none());
    assert!(matches!(
        there.token().await,
        Err(Error::Disconnected { .. })
    ));
}

#[tokio::test(start_paused = true)]
async fn a_disconnect_elsewhere_is_refused_within_the_interval_where_it_does_not() {
    let world = World::mute(Options::default());
    let here = world.connected().await;
    let there = world.elsewhere();
    there.token().await.unwrap();
    here.disconnect().await.unwrap();
    for _ in 0..60 {
        world.pass(Duration::from_secs(1)).await;
        let _ = there.try_credential(true);
        settle().await;
    }
    let error = there.token().await.unwrap_err();
    assert!(matches!(error, Error::Disconnected { .. }), "{error:?}");
    // A new login there is picked up likewise.
    login(&world.emulator, &here).await.unwrap();
    world.pass(INTERVAL).await;
    assert_eq!(world.call(&there).await, 200);
}

#[tokio::test(start_paused = true)]
async fn memory_that_missed_two_comparisons_is_not_served_before_the_next() {
    let world = World::mute(Options::default());
    let here = world.connected().await;
    let there = world.elsewhere();
    there.token().await.unwrap();
    here.disconnect().await.unwrap();
    world.pass(INTERVAL * 2).await;
    assert!(there.try_credential(true).is_none());
    assert!(matches!(
        there.token().await,
        Err(Error::Disconnected { .. })
    ));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_costs_a_second_and_an_event() {
    let world = World::mute(Options::default());
    let account = world.connected().await;
    let mut events = world.accounts.events();
    world.pass(INTERVAL * 2).await;
    world.store.fail(usize::MAX, Fault::Hang);
    let started = Instant::now();
    TokenSource::credential(&account, true).await.unwrap();
    assert!(started.elapsed() <= Duration::from_millis(1001));
    assert!(drain(&mut events).contains(&EventKind::ServedUnvalidated));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_cannot_be_compared_is_refused_on_request() {
    for fault in [Fault::Hang, Fault::Refuse] {
        let options = Options::new().store_down(StoreDown::Refuse);
        let world = World::mute(options);
        let account = world.connected().await;
        world.store.fail(usize::MAX, fault);
        world.pass(INTERVAL + Duration::from_secs(1)).await;
        assert!(
            account.try_credential(true).is_some(),
            "one comparison is overdue"
        );
        settle().await;
        world.pass(INTERVAL).await;
        assert!(account.try_credential(true).is_none());
        let error = TokenSource::credential(&account, true).await.unwrap_err();
        assert!(
            matches!(error, Error::Store { .. } | Error::Timeout { .. }),
            "{error:?}"
        );
        world.store.recover();
        world.pass(INTERVAL).await;
        assert_eq!(world.call(&account).await, 200);
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_knows_a_tombstone_writes_it_back() {
    for steps in [1, 99] {
        let world = World::mute(Options::default());
        let account = world.connected().await;
        account.disconnect().await.unwrap();
        if steps == 1 {
            world.store.go_back(&account.key(), 1).await;
        } else {
            world.store.lose(&account.key()).await;
        }
        world.pass(INTERVAL).await;
        let error = account.token().await.unwrap_err();
        assert!(matches!(error, Error::Disconnected { .. }), "{error:?}");
        let record = world.store.record(&account.key()).await;
        assert!(record["state"]["ended"].is_object(), "{record}");
    }
}

/// An account whose token is stale for ten minutes to come, in a process that serves nothing which
/// it could not compare.
async fn stale_and_strict() -> (World, Account) {
    let options = Options::new()
        .store_down(StoreDown::Refuse)
        .refresh_window(
            Duration::ZERO.max(Duration::from_secs(30)),
            Duration::from_secs(20 * 60),
        )
        .refresh_fraction(0.5);
    let world = World::mute(options);
    let account = world.connected().await;
    world.pass(HOUR - Duration::from_secs(599)).await;
    account.status().await.unwrap();
    (world, account)
}

/// How long the account is served from now on, which is two intervals at most.
async fn served_for(world: &World, account: &Account) -> Duration {
    let started = Instant::now();
    while TokenSource::credential(account, true).await.is_ok() {
        let waited = started.elapsed();
        assert!(waited <= INTERVAL * 2, "still served after {waited:?}");
        world.pass(Duration::from_secs(1)).await;
        settle().await;
    }
    started.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_fails_on_the_store_is_no_comparison_with_it() {
    let (world, account) = stale_and_strict().await;
    world.store.fail(usize::MAX, Fault::Refuse);
    let served = served_for(&world, &account).await;
    assert!(served >= INTERVAL, "one comparison may fail");
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_read_is_no_comparison_either() {
    let (world, account) = stale_and_strict().await;
    world.store.make_unreadable(&account.key()).await;
    served_for(&world, &account).await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_down_is_left_alone_for_longer_each_time() {
    let world = World::mute(Options::default());
    let account = world.connected().await;
    world.pass(HOUR - Duration::from_secs(140)).await;
    account.status().await.unwrap();
    world.store.fail(usize::MAX, Fault::Refuse);
    world.store.reset_counts();
    let mut events = world.accounts.events();
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(100) {
        assert!(account.try_credential(true).is_some());
        world.pass(Duration::from_millis(100)).await;
        settle().await;
    }
    assert!(drain(&mut events).contains(&EventKind::ServedUnvalidated));
    // Pauses of up to 8 s between flights of at most four calls.
    let trips = world.store.round_trips();
    assert!((10..80).contains(&trips), "{trips}");
}

#[tokio::test(start_paused = true)]
async fn a_refresh_on_demand_sees_that_somebody_logged_in_again_elsewhere() {
    for by_the_provider in [true, false] {
        let world = World::mute(Options::default());
        let account = world.connected().await;
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
        // While the store fails, what is known is said.
        world.store.fail(usize::MAX, Fault::Refuse);
        let again = account.refresh().await.unwrap_err();
        assert_eq!(discriminant(&again), discriminant(&error), "{again:?}");
        world.store.recover();
        login(&world.emulator, &world.elsewhere()).await.unwrap();
        account.refresh().await.unwrap();
        assert_eq!(world.call(&account).await, 200);
    }
}
