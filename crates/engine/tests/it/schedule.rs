//! When a token becomes stale, and implausible lifetimes.

use std::time::Duration;

use tokenkeeper_emulator::{Emulator, Endpoint, Fault as EndpointFault};
use tokenkeeper_engine::{Options, TokenSource};

use crate::harness::{World, issue_tokens, plain, seconds, settle};

/// Returns how long before its expiry a token of this lifetime is refreshed in the background.
async fn ahead(lifetime: u64) -> Duration {
    let emulator = Emulator::plain().access_token_lifetime(seconds(lifetime));
    let world = World::without_notifications_at(emulator, plain(|_| ()), Options::default());
    let account = world.connect_account().await;
    let step = (lifetime / 400).max(1);
    let mut left = lifetime;
    while left > step {
        world.advance(seconds(step)).await;
        left -= step;
        if account.try_credential(true).is_none() {
            account.token().await.unwrap();
        }
        settle().await;
        if world.token_requests() > 0 {
            return seconds(left);
        }
    }
    Duration::ZERO
}

#[tokio::test(start_paused = true)]
async fn the_stale_window_is_a_share_of_the_lifetime_within_bounds() {
    // The lifetime, and the window without jitter. With the maximum jitter it is half of that.
    for (lifetime, window) in [(100, 30), (600, 60), (3600, 300), (86_400, 300)] {
        let slack = Duration::from_secs(lifetime / 400 + 1);
        let seen = ahead(lifetime).await;
        let window = seconds(window);
        assert!(seen <= window + slack, "{lifetime}: {seen:?}");
        assert!(seen + slack >= window / 2, "{lifetime}: {seen:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn f12_tokens_expired_on_arrival_cause_no_loop() {
    for lifetime in [0, -1] {
        let world = World::amiqus();
        let account = world.account();
        let fault = EndpointFault::field("expires_in", lifetime);
        world.emulator.faults().always(Endpoint::Token, fault);
        account.adopt(issue_tokens(&world.emulator)).await.unwrap();
        account.refresh().await.unwrap();
        assert_eq!(world.token_requests(), 1);
        for _ in 1..=5 {
            account.token().await.unwrap();
            settle().await;
            assert_eq!(world.token_requests(), 1, "it is served for the floor");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn f12_an_unknown_expiry_starts_no_early_refresh() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    let fault = EndpointFault::Without("expires_in".to_owned());
    world.emulator.faults().always(Endpoint::Token, fault);
    account.refresh().await.unwrap();
    for _ in 0..50 {
        world.advance(seconds(3600)).await;
        account.token().await.unwrap();
        settle().await;
    }
    assert_eq!(world.token_requests(), 1);
}
