//! when a token counts as stale, and lifetimes that make no sense.

use std::time::Duration;

use tokenkeeper_emulator::{Emulator, Endpoint, Fault as Broken};
use tokenkeeper_engine::{Options, TokenSource};

use crate::harness::{World, issued, plain, settle};

/// How long before its expiry a token of this lifetime is refreshed behind its user's back.
async fn ahead(lifetime: u64) -> Duration {
    let emulator = Emulator::plain().access_token_lifetime(Duration::from_secs(lifetime));
    let world = World::mute_with(emulator, plain(|_| ()), Options::default());
    let account = world.connected().await;
    let step = (lifetime / 400).max(1);
    let mut left = lifetime;
    while left > step {
        world.pass(Duration::from_secs(step)).await;
        left -= step;
        if account.try_credential(true).is_none() {
            account.token().await.unwrap();
        }
        settle().await;
        if world.token_requests() > 0 {
            return Duration::from_secs(left);
        }
    }
    Duration::ZERO
}

#[tokio::test(start_paused = true)]
async fn the_stale_window_is_a_share_of_the_lifetime_within_bounds() {
    // Lifetime, and the window with no jitter; half of it with the most.
    for (lifetime, window) in [(100, 30), (600, 60), (3600, 300), (86_400, 300)] {
        let slack = Duration::from_secs(lifetime / 400 + 1);
        let seen = ahead(lifetime).await;
        let window = Duration::from_secs(window);
        assert!(seen <= window + slack, "{lifetime}: {seen:?}");
        assert!(seen + slack >= window / 2, "{lifetime}: {seen:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn f12_tokens_that_are_expired_on_arrival_lead_to_no_loop() {
    for lifetime in [0, -1] {
        let world = World::amiqus();
        let account = world.account();
        let fault = Broken::field("expires_in", lifetime);
        world.emulator.faults().always(Endpoint::Token, fault);
        account.adopt(issued(&world.emulator)).await.unwrap();
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
async fn f12_an_unknown_expiry_leads_to_no_refresh_ahead() {
    let world = World::amiqus();
    let account = world.connected().await;
    let fault = Broken::Without("expires_in".to_owned());
    world.emulator.faults().always(Endpoint::Token, fault);
    account.refresh().await.unwrap();
    for _ in 0..50 {
        world.pass(Duration::from_secs(3600)).await;
        account.token().await.unwrap();
        settle().await;
    }
    assert_eq!(world.token_requests(), 1);
}
