//! Valid tokens are served while the store answers.

use tokenkeeper_emulator::Endpoint;
use tokenkeeper_engine::{Account, Options, StoreDown, TokenSource};
use tokio::time::{Duration, Instant, sleep};

use crate::harness::{HOUR, World, credential, seconds};

/// Returns an account whose stale token is valid for 200 seconds and is compared every five.
async fn stale(store_down: StoreDown) -> (World, Account) {
    let options = Options::new()
        .revalidate_interval(seconds(5))
        .store_down(store_down);
    let world = World::without_notifications(options);
    let account = world.connect_account().await;
    world.advance(HOUR - seconds(200)).await;
    account.status().await.unwrap();
    (world, account)
}

/// Asks once a second for two minutes. Returns the numbers of calls that failed and that waited.
async fn asked_for_two_minutes(account: &Account) -> (usize, usize) {
    let (mut failed, mut waited) = (0, 0);
    for _ in 0..120 {
        let started = Instant::now();
        let answer = TokenSource::credential(account, true).await;
        failed += usize::from(answer.is_err());
        waited += usize::from(started.elapsed() > Duration::from_millis(10));
        sleep(seconds(1)).await;
    }
    (failed, waited)
}

#[tokio::test(start_paused = true)]
async fn a_hung_endpoint_holds_up_no_valid_token() {
    for store_down in [StoreDown::Refuse, StoreDown::Serve] {
        let (world, account) = stale(store_down).await;
        let _gate = world.emulator.faults().hold(Endpoint::Token);
        let (failed, waited) = asked_for_two_minutes(&account).await;
        assert_eq!((failed, waited), (0, 0), "{store_down:?}");
        assert!(world.token_requests() <= 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_crashed_process_holds_up_no_valid_token() {
    for store_down in [StoreDown::Refuse, StoreDown::Serve] {
        let (world, account) = stale(store_down).await;
        world.leave_dead_attempt().await;
        let (failed, waited) = asked_for_two_minutes(&account).await;
        assert_eq!((failed, waited), (0, 0), "{store_down:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_disconnect_elsewhere_is_seen_during_a_hung_refresh() {
    let (world, account) = stale(StoreDown::Refuse).await;
    let there = world.account_elsewhere();
    let _gate = world.emulator.faults().hold(Endpoint::Token);
    for _ in 0..10 {
        credential(&account).await;
        sleep(seconds(1)).await;
    }
    there.disconnect().await.unwrap();
    for _ in 0..10 {
        let _ = TokenSource::credential(&account, true).await;
        sleep(seconds(1)).await;
    }
    assert!(account.try_credential(true).is_none());
}
