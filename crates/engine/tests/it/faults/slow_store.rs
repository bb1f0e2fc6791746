//! Slow stores.

use std::time::Duration;

use tokenkeeper_emulator::{Endpoint, Fault as EndpointFault};
use tokenkeeper_engine::{Account, Error, Options};
use tokio::time::{Instant, sleep};

use crate::harness::{HOUR, MINUTE, World, plain, seconds};

const SLOW: Duration = Duration::from_millis(1_100);

/// Asks every minute for an hour. Checks that each answer is a token or a typed error, and that the
/// number of store calls is bounded.
async fn bounded(world: &World, account: &Account) {
    world.store.reset_counts();
    let started = Instant::now();
    while started.elapsed() < HOUR {
        match account.token().await {
            Ok(_) | Err(Error::Unavailable { .. } | Error::Store { .. }) => {}
            Err(error) => panic!("{error:?}"),
        }
        sleep(MINUTE).await;
    }
    let trips = world.store.round_trips();
    assert!(trips < 600, "{trips} in an hour");
}

#[tokio::test(start_paused = true)]
async fn a_slow_store_does_not_prevent_a_refresh() {
    let options = Options::new().exchange_timeout(seconds(59)).lease(MINUTE);
    let (world, account) = World::amiqus_with(options).expired().await;
    world.store.delay_calls(SLOW);
    let started = Instant::now();
    assert_eq!(account.token().await.unwrap().generation(), 2);
    assert!(started.elapsed() < seconds(10));
    world.advance(HOUR).await;
    bounded(&world, &account).await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_store_in_a_short_grace_window_gets_few_calls() {
    let options = Options::new().exchange_timeout(seconds(59)).lease(MINUTE);
    for grace in [1, 3, 10, 60] {
        let world = World::plain();
        let account = world.connect_account().await;
        let provider = plain(|dialect| dialect.refresh.grace_seconds = Some(grace));
        let process = match world.builder_for(provider).options(options.clone()).build() {
            Ok(process) => process,
            Err(Error::Build(_)) => continue,
            Err(error) => panic!("{error:?}"),
        };
        let there = world.account_of(&process);
        world.advance(HOUR).await;
        world.store.delay_calls(SLOW);
        bounded(&world, &there).await;
        world.store.delay_calls(Duration::ZERO);
        sleep(HOUR).await;
        assert_eq!(world.call_api(&there).await, 200, "{grace}");
        assert_eq!(world.call_api(&account).await, 200, "{grace}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_slower_than_the_lease_gives_a_typed_error() {
    for lease in [2, 4, 8] {
        let options = Options::new()
            .exchange_timeout(seconds(lease) - Duration::from_millis(10))
            .lease(seconds(lease));
        let (world, account) = World::amiqus_with(options).expired().await;
        world.store.delay_calls(seconds(lease) + SLOW);
        bounded(&world, &account).await;
        world.store.delay_calls(Duration::ZERO);
        sleep(MINUTE).await;
        assert_eq!(world.call_api(&account).await, 200, "{lease}");
        assert_eq!(world.emulator.counters().presented_after_answer(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_store_and_a_late_endpoint_together_lose_nothing() {
    let (world, account) = World::amiqus().expired().await;
    world.store.delay_calls(SLOW);
    let faults = world.emulator.faults();
    faults.once(Endpoint::Token, EndpointFault::DelayAnswer(seconds(100)));
    let _ = account.token().await;
    sleep(seconds(80)).await;
    assert_eq!(account.token().await.unwrap().generation(), 2);
    assert_eq!(world.token_requests(), 1);
}
