//! Refresh tokens that expire with their access token.

use std::time::Duration;

use tokenkeeper_emulator::{Emulator, Endpoint, Fault as EndpointFault};
use tokenkeeper_engine::{Options, TokenSource};
use tokio::time::{Instant, sleep};

use crate::harness::{HOUR, World, amiqus, credential, seconds, settle};

/// Returns Amiqus with tokens of both kinds that live equally long.
fn short_lived(life: Duration) -> World {
    let emulator = Emulator::amiqus()
        .access_token_lifetime(life)
        .refresh_token_lifetime(Some(life));
    World::new(emulator, amiqus(), Options::default())
}

#[tokio::test(start_paused = true)]
async fn a_use_past_the_keep_alive_share_refreshes() {
    for hours in [1, 10, 24 * 365] {
        let life = HOUR * hours;
        let world = short_lived(life);
        let account = world.connect_account().await;
        sleep(life * 33 / 100).await;
        assert_eq!(world.call_api(&account).await, 200);
        settle().await;
        assert_eq!(world.token_requests(), 0);
        sleep(life * 34 / 100).await;
        let started = Instant::now();
        assert!(TokenSource::credential(&account, true).await.is_ok());
        assert!(started.elapsed() < seconds(1), "the caller waited");
        settle().await;
        assert_eq!(world.token_requests(), 1);
        sleep(life * 37 / 100).await;
        assert_eq!(world.call_api(&account).await, 200);
    }
}

#[tokio::test(start_paused = true)]
async fn tokens_of_twenty_seconds_are_kept_alive_by_use() {
    for life in [20, 30] {
        let world = short_lived(seconds(life));
        let account = world.connect_account().await;
        for _ in 0..60 {
            sleep(seconds(4)).await;
            assert_eq!(world.call_api(&account).await, 200);
            settle().await;
        }
        let most = 240 / (life / 2) + 1;
        assert!(world.token_requests() <= most, "{life}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_expired_on_arrival_is_served_for_the_floor() {
    let world = World::amiqus();
    let faults = world.emulator.faults();
    faults.always(Endpoint::Token, EndpointFault::field("expires_in", 0));
    let account = world.connect_account().await;
    for _ in 0..20 {
        assert_eq!(world.call_api(&account).await, 200);
        sleep(seconds(1)).await;
    }
    assert!(world.token_requests() <= 1, "{}", world.token_requests());
    for _ in 0..300 {
        assert_eq!(world.call_api(&account).await, 200);
        sleep(seconds(1)).await;
    }
    let requests = world.token_requests();
    assert!((1..=12).contains(&requests), "{requests} in 320 s");
}

#[tokio::test(start_paused = true)]
async fn a_rejection_replaces_a_token_within_the_floor() {
    let world = World::amiqus();
    let faults = world.emulator.faults();
    faults.always(Endpoint::Token, EndpointFault::field("expires_in", 0));
    let account = world.connect_account().await;
    let old = credential(&account).await;
    world.emulator.expire_access_tokens();
    let new = account.replacement(old.version()).await.unwrap();
    assert_ne!(new.expect("a replay"), old);
    assert_eq!(world.call_api(&account).await, 200);
}
