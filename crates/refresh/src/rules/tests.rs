//! Tests of leases, backoff and stale windows.

use super::*;
use crate::payload::Payload;

/// A token set that is only its times.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tokens(pub(crate) Times);

impl Payload for Tokens {
    fn refresh_digest(&self) -> Option<u64> {
        Some(1)
    }

    fn times(&self) -> Times {
        self.0
    }
}

/// Returns rules with the default durations, for process 1 and configuration 1.
pub(crate) fn rules() -> Rules {
    let seconds = Duration::from_secs;
    Rules {
        holder: Id([1; 16]),
        configuration: Id([1; 16]),
        lease: seconds(60),
        store_retry: seconds(1),
        store_timeout: seconds(2),
        poll: seconds(1),
        backoff_first: seconds(1),
        backoff_most: seconds(300),
        refusal_most: seconds(3600),
        patience: seconds(900),
        stale_share: 0.1,
        stale_least: seconds(30),
        stale_most: seconds(300),
        floor: seconds(30),
        not_before: None,
        refresh_lifetime: RefreshLifetime::Unlimited,
        keep_alive_share: 0.5,
        tombstone_ttl: seconds(366 * 24 * 3600),
        memory_ttl: seconds(3600),
        revalidation: seconds(60),
        watched_revalidation: seconds(600),
        store_down: StoreDown::Serve,
        rejection_first: seconds(60),
        rejection_most: seconds(3600),
        old_token_dies: false,
        revokes: true,
        revokes_alone: true,
    }
}

#[test]
fn a_half_expired_lease_allows_no_request() {
    let rules = rules();
    assert!(rules.may_send(Duration::from_secs(30)));
    assert!(!rules.may_send(Duration::from_millis(30_001)));
    assert!(rules.renew_after() < rules.lease / 2);
}

#[test]
fn backoff_doubles_with_full_jitter_up_to_its_limit() {
    let most = Duration::from_secs(300);
    let seconds = |failures, roll| rules().backoff(failures, most, None, roll).as_secs_f64();
    for (failures, longest) in [(1, 1.0), (2, 2.0), (4, 8.0), (9, 256.0), (10, 300.0)] {
        assert!((seconds(failures, 0.5) - longest / 2.0).abs() < 1e-6);
        assert!(seconds(failures, 0.999) < longest);
        assert!((seconds(failures, 0.0) - 0.5).abs() < 1e-6);
    }
    assert!(seconds(u32::MAX, 0.999) <= 300.0);
}

#[test]
fn backoff_is_at_least_what_the_server_asks_for() {
    let (most, hour) = (Duration::from_secs(300), Duration::from_secs(3600));
    assert_eq!(rules().backoff(1, most, Some(hour), 0.5), hour);
    let second = Some(Duration::from_secs(1));
    assert_eq!(rules().backoff(10, most, second, 1.0), most);
}

#[test]
fn no_pause_is_longer_than_a_day() {
    let year = Some(Duration::from_secs(365 * 24 * 60 * 60));
    assert_eq!(rules().backoff(1, Duration::MAX, year, 0.5), DAY);
    assert_eq!(
        rules().backoff(u32::MAX, Duration::MAX, None, 1.0),
        DAY.min(rules().backoff_first * (1 << 16))
    );
}

#[test]
fn a_stale_window_is_a_share_within_bounds() {
    let window = |seconds| rules().stale_window(Duration::from_secs(seconds)).as_secs();
    assert_eq!(window(1000), 100);
    assert_eq!(window(100), 30);
    assert_eq!(window(36_000), 300);
    // At most half of a short lifetime.
    assert_eq!(window(20), 10);
}

#[test]
fn a_stale_window_begins_no_earlier_than_allowed() {
    let rules = Rules {
        not_before: Some(Duration::from_secs(60)),
        ..rules()
    };
    let window = |seconds| rules.stale_window(Duration::from_secs(seconds)).as_secs();
    assert_eq!([36_000, 1000, 400, 100].map(window), [60, 60, 40, 30]);
}

#[test]
fn the_shorter_known_life_of_a_refresh_token_counts() {
    use RefreshLifetime::{AsAccessToken, Fixed, Unlimited};
    let life = |refresh_lifetime, expires_at, refresh_expires_at| {
        let times = Times {
            issued_at: 1_000_000,
            expires_at,
            refresh_at: None,
            refresh_expires_at,
        };
        let rules = Rules {
            refresh_lifetime,
            ..rules()
        };
        rules.refresh_life(&times).map(|life| life.as_secs())
    };
    let (soon, late) = (Some(1_060_000), Some(1_600_000));
    let fixed = Fixed(Duration::from_secs(300));
    assert_eq!(life(Unlimited, soon, None), None);
    assert_eq!(life(Unlimited, soon, late), Some(600));
    assert_eq!(life(AsAccessToken, soon, None), Some(60));
    assert_eq!(life(AsAccessToken, soon, late), Some(600));
    assert_eq!(life(AsAccessToken, Some(1_000_000), None), None);
    assert_eq!(life(fixed, soon, late), Some(300));
    assert_eq!(life(fixed, late, soon), Some(60));
    // Zero seconds, and an end before the issue, say nothing.
    for end in [1_000_000, 999_999, 0] {
        assert_eq!(life(Unlimited, soon, Some(end)), None);
        assert_eq!(life(fixed, soon, Some(end)), Some(300));
    }
}

#[test]
fn the_floor_shrinks_with_the_refresh_token_down_to_a_second() {
    let floor = |seconds| {
        let life = Duration::from_secs(seconds);
        rules().floor(Some(life)).as_secs()
    };
    assert_eq!([3600, 20, 2, 1, 0].map(floor), [30, 10, 1, 1, 1]);
    assert_eq!(rules().floor(None).as_secs(), 30);
}
