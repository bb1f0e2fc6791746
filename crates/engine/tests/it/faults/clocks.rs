//! Processes whose wall clocks disagree.

use std::time::{Duration, UNIX_EPOCH};

use tokenkeeper_emulator::{Emulator, Endpoint, Fault as EndpointFault};
use tokenkeeper_engine::{
    Account, Clock as _, Error, Options, TestClock,
    protocol::{Expiry, RefreshLifetime},
};
use tokio::time::sleep;

use crate::harness::{
    DatedTransport, HOUR, MINUTE, World, assert_err, connection, login, plain, retry_after, seconds,
};

/// The error of a wrong clock.
const OFF: Duration = HOUR.saturating_mul(20);

#[tokio::test(start_paused = true)]
async fn a_fast_clock_prolongs_no_pause() {
    let world = World::amiqus();
    let here = world.connect_account().await;
    let fast = world.account_on_clock(TestClock::starting_at(world.clock.wall() + OFF));
    world.advance(HOUR).await;
    let faults = world.emulator.faults();
    let busy = EndpointFault::TooManyRequests { retry_after: 60 };
    faults.once(Endpoint::Token, busy);
    fast.refresh().await.unwrap_err();
    let error = here.token().await.unwrap_err();
    let retry_after = retry_after(&error);
    assert!(retry_after <= seconds(60), "{retry_after:?}");
    assert_eq!(world.token_requests(), 1);
    sleep(seconds(61)).await;
    assert_eq!(world.call_api(&here).await, 200);
    assert_eq!(world.token_requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_slow_clock_does_not_shorten_a_pause() {
    let world = World::amiqus();
    let here = world.connect_account().await;
    let slow = world.account_on_clock(TestClock::starting_at(world.clock.wall() - OFF));
    world.advance(HOUR).await;
    let faults = world.emulator.faults();
    let busy = EndpointFault::TooManyRequests { retry_after: 60 };
    faults.once(Endpoint::Token, busy);
    slow.refresh().await.unwrap_err();
    assert_err!(here.token().await, Error::Unavailable { .. });
    sleep(seconds(50)).await;
    assert_err!(here.token().await, Error::Unavailable { .. });
    assert_eq!(world.token_requests(), 1);
    sleep(seconds(15)).await;
    assert_eq!(world.call_api(&here).await, 200);
}

#[tokio::test(start_paused = true)]
async fn a_slow_clock_does_not_shorten_retention() {
    let life = HOUR * 2;
    let world = World::plain_with(|dialect| {
        dialect.refresh.lifetime = RefreshLifetime::Fixed(life);
    });
    let slow = world.account_on_clock(TestClock::starting_at(world.clock.wall() - OFF));
    for disconnected in [false, true] {
        if disconnected {
            slow.disconnect().await.unwrap();
        } else {
            login(&world.emulator, &slow).await.unwrap();
        }
        let entry = world.store.entry(&slow.key()).await.unwrap();
        if let Some(until) = entry.keep_until {
            assert!(until >= world.clock.wall() + life, "{disconnected}");
        }
    }
}

/// Returns an account in a process whose clock is two hours ahead of the provider's. The provider
/// sends the absolute time at which a token expires.
async fn ahead_of_an_absolute_expiry(dated: bool) -> (World, TestClock, Account) {
    let provider = plain(|dialect| {
        dialect.response.expiry_field = "expires_at".to_owned();
        dialect.response.expiry = Expiry::EpochSeconds;
    });
    let emulator = Emulator::plain().access_token_lifetime(HOUR);
    let world = World::new(emulator, provider, Options::default());
    let ahead = TestClock::starting_at(world.clock.wall() + HOUR * 2);
    let mut builder = world.builder().clock(ahead.clone());
    if dated {
        builder = builder.transport(DatedTransport::new(world.emulator.clone()));
    }
    let account = world.account_of(&builder.build().unwrap());
    let ends = world.clock.wall() + HOUR;
    let ends = ends.duration_since(UNIX_EPOCH).unwrap().as_secs();
    let faults = world.emulator.faults();
    faults.always(Endpoint::Token, EndpointFault::field("expires_at", ends));
    login(&world.emulator, &account).await.unwrap();
    world.emulator.reset_counters();
    (world, ahead, account)
}

#[tokio::test(start_paused = true)]
async fn an_absolute_expiry_is_corrected_by_the_servers_clock() {
    let (world, ahead, account) = ahead_of_an_absolute_expiry(true).await;
    let expires_at = connection(&account).await.expires_at.unwrap();
    let left = expires_at.duration_since(ahead.wall()).unwrap_or_default();
    assert!(left > HOUR - MINUTE, "{left:?}");
    for _ in 0..50 {
        assert_eq!(world.call_api(&account).await, 200);
        sleep(MINUTE).await;
    }
    assert_eq!(world.token_requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_absolute_expiry_in_the_past_is_served_for_the_floor() {
    let (world, _, account) = ahead_of_an_absolute_expiry(false).await;
    for _ in 0..20 {
        assert_eq!(world.call_api(&account).await, 200);
        sleep(seconds(1)).await;
    }
    assert!(world.token_requests() <= 1, "{}", world.token_requests());
}
