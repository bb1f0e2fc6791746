use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use proptest::prelude::*;
use tokenkeeper_protocol::TokenSet;

use super::{Schedule, stale_window};
use crate::{
    Clock, Options,
    clock::{Ticks, Time},
};

/// Clocks that stand still.
#[derive(Debug)]
struct Still(SystemTime, Duration);

impl Clock for Still {
    fn wall(&self) -> SystemTime {
        self.0
    }

    fn monotonic(&self) -> Duration {
        self.1
    }
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

fn time() -> Time {
    Time::new(Some(Arc::new(Still(now(), Duration::from_secs(7)))))
}

/// When a token set becomes stale, from its issue on; `age` has passed since then.
fn stale_after(tokens: TokenSet, age: Duration, roll: f64) -> Option<Duration> {
    let time = time();
    let tokens = TokenSet {
        issued_at: now() - age,
        ..tokens
    };
    let schedule = Schedule::new(&tokens, &Options::default(), &time, roll);
    let issued = time.ticks_at(tokens.issued_at);
    (schedule.stale_at != Ticks::NEVER).then(|| schedule.stale_at.since(issued))
}

fn living(lifetime: Duration, age: Duration) -> TokenSet {
    TokenSet::new("a").with_expires_at(now() - age + lifetime)
}

#[test]
fn a_hint_of_the_server_is_honoured_but_not_below_the_floor() {
    let hour = Duration::from_secs(3600);
    for (hint, stale) in [(1000, 1000), (0, 30), (7200, 3600)] {
        let tokens = TokenSet {
            refresh_at: Some(now() + Duration::from_secs(hint)),
            ..living(hour, Duration::ZERO)
        };
        let seen = stale_after(tokens, Duration::ZERO, 0.5);
        assert_eq!(seen, Some(Duration::from_secs(stale)));
    }
    // Without an expiry it is all there is.
    for (hint, stale) in [(1000, 1000), (0, 30)] {
        let tokens = TokenSet {
            refresh_at: Some(now() + Duration::from_secs(hint)),
            ..TokenSet::new("a")
        };
        let seen = stale_after(tokens, Duration::ZERO, 0.5);
        assert_eq!(seen, Some(Duration::from_secs(stale)));
    }
    assert_eq!(stale_after(TokenSet::new("a"), Duration::ZERO, 0.5), None);
}

#[test]
fn a_token_that_is_older_than_the_process_is_not_put_off() {
    let (hour, age) = (Duration::from_secs(3600), Duration::from_secs(3590));
    let stale = stale_after(living(hour, age), age, 0.0).unwrap();
    assert_eq!(stale, Duration::from_secs(3300));
}

#[test]
fn a_clock_starts_where_the_past_has_a_place() {
    let time = Time::new(None);
    let year = Duration::from_secs(365 * 24 * 3600);
    let past = time.ticks_at(SystemTime::now() - year);
    assert!(time.ticks().since(past) >= year - Duration::from_secs(60));
}

proptest! {
    #[test]
    fn the_window_keeps_its_bounds(seconds in 0_u64..100_000_000, roll in 0.0..1.0_f64) {
        let options = Options::default();
        let lifetime = Duration::from_secs(seconds);
        let window = stale_window(lifetime, &options);
        prop_assert!(window <= lifetime / 2);
        prop_assert!(window <= options.stale_most);
        prop_assert!(window >= options.stale_least.min(lifetime / 2));
        let tenth = lifetime.mul_f64(options.stale_share);
        if (options.stale_least..=options.stale_most).contains(&tenth) {
            prop_assert_eq!(window, tenth);
        }
        let stale = stale_after(living(lifetime, Duration::ZERO), Duration::ZERO, roll).unwrap();
        let milli = Duration::from_millis(1);
        prop_assert!(stale <= lifetime);
        prop_assert!(stale + window + milli >= lifetime.min(options.floor + window));
        // Up to half of the window is jitter; the floor and the expiry come first.
        let latest = (lifetime - window / 2).max(options.floor).min(lifetime);
        prop_assert!(stale <= latest + milli);
    }
}

#[test]
fn the_schedule_of_a_token_that_ended_long_ago_is_not_taken_for_none() {
    let long_ago = TokenSet::new("a").with_expires_at(SystemTime::UNIX_EPOCH);
    let schedule = Schedule::new(&long_ago, &Options::default(), &time(), 0.5);
    assert_ne!(schedule, Schedule::default());
    assert!(schedule.expires_at < time().ticks());
}
