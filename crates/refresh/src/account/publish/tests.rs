//! Tests of when a token becomes stale and when it expires.

use std::time::Duration;

use super::*;
use crate::{
    id::Id,
    payload::Times,
    record::Authorization,
    rules::{
        RefreshLifetime, Rules,
        tests::{Tokens, rules},
    },
};

/// The time on both clocks, in milliseconds.
const NOW: u64 = 1_800_000_000_000;

fn lasting() -> Rules {
    Rules {
        refresh_lifetime: RefreshLifetime::Unlimited,
        ..rules()
    }
}

fn seconds(seconds: u64) -> u64 {
    seconds * 1000
}

fn context(rules: &Rules, roll: u16) -> Context<'_> {
    Context {
        now: EngineInstant(NOW),
        monotonic: Duration::ZERO,
        wall: NOW,
        ids: [Id([1; 16]); 2],
        version: tokenkeeper_store::Version::from_bytes([1; 16]),
        roll,
        closing: false,
        watched_since: None,
        rules,
    }
}

/// Returns when such tokens become stale and expire, in seconds after they were issued. `roll` is a
/// fraction of 65,536.
fn planned(times: Times, rules: &Rules, roll: u16) -> (Option<u64>, Option<u64>) {
    let cx = context(rules, roll);
    let authorization = Authorization {
        number: 1,
        id: Id([1; 16]),
    };
    let Schedule {
        stale_at,
        expires_at,
    } = schedule(&Live::first(authorization, Tokens(times)), &cx);
    let after = |at: EngineInstant| {
        (at != EngineInstant::NEVER).then(|| at.0.saturating_sub(times.issued_at) / 1000)
    };
    (after(stale_at), after(expires_at))
}

fn issued(life: u64) -> Times {
    Times {
        issued_at: NOW,
        expires_at: Some(NOW + seconds(life)),
        ..Times::default()
    }
}

#[test]
fn a_comparison_lasts_longer_while_all_changes_are_notified() {
    let rules = rules();
    let (short, long) = (rules.revalidation, rules.watched_revalidation);
    let since = EngineInstant(seconds(100));
    let mut cx = context(&rules, 0);
    for (watched_since, compared_at, expected) in [
        (None, 500, short),
        (Some(since), 99, short),
        // The answer may be that of a call before the watch.
        (Some(since), 101, short),
        (Some(since), 102, long),
        (Some(since), 500, long),
    ] {
        cx.watched_since = watched_since;
        let compared_at = EngineInstant(seconds(compared_at));
        assert_eq!(cx.revalidation(compared_at), expected, "{compared_at:?}");
    }
}

#[test]
fn the_stale_window_ends_at_the_expiry_with_jitter() {
    assert_eq!(
        planned(issued(3600), &lasting(), 0),
        (Some(3300), Some(3600))
    );
    let (latest, _) = planned(issued(3600), &lasting(), u16::MAX);
    assert!((3448..=3450).contains(&latest.unwrap()), "{latest:?}");
}

#[test]
fn a_servers_hint_is_honoured_but_not_below_the_floor() {
    for (hint, stale) in [(1000, 1000), (0, 30), (7200, 3600)] {
        let refresh_at = Some(NOW + seconds(hint));
        let hinted = Times {
            refresh_at,
            ..issued(3600)
        };
        assert_eq!(planned(hinted, &lasting(), 0).0, Some(stale));
    }
    let unknown = Times {
        issued_at: NOW,
        ..Times::default()
    };
    assert_eq!(planned(unknown, &lasting(), 0), (None, None));
}

#[test]
fn a_use_past_the_keep_alive_share_is_stale() {
    let mut rules = Rules {
        refresh_lifetime: RefreshLifetime::AsAccessToken,
        keep_alive_share: 0.5,
        ..rules()
    };
    assert_eq!(planned(issued(3600), &rules, 0).0, Some(1800));
    // The floor is at most half of the refresh token's life.
    assert_eq!(planned(issued(20), &rules, 0).0, Some(10));
    rules.refresh_lifetime = RefreshLifetime::Fixed(Duration::from_secs(1000));
    assert_eq!(planned(issued(3600), &rules, 0).0, Some(500));
}

#[test]
fn a_token_expired_on_arrival_is_served_for_the_floor() {
    for life in [0, 1] {
        let times = Times {
            expires_at: Some(NOW - seconds(life)),
            ..issued(0)
        };
        assert_eq!(planned(times, &lasting(), 0), (Some(30), Some(30)));
    }
}

#[test]
fn an_older_token_keeps_its_schedule() {
    let times = Times {
        issued_at: NOW - seconds(3590),
        expires_at: Some(NOW + seconds(10)),
        ..Times::default()
    };
    assert_eq!(planned(times, &lasting(), 0), (Some(3300), Some(3600)));
}

#[test]
fn a_stated_end_of_the_refresh_token_counts() {
    let stated = |end| Times {
        refresh_expires_at: Some(NOW + seconds(end)),
        ..issued(3600)
    };
    assert_eq!(planned(stated(1000), &lasting(), 0).0, Some(500));
    assert_eq!(planned(stated(90_000), &lasting(), 0).0, Some(3300));
    // Some servers write 0 for "never".
    assert_eq!(planned(stated(0), &lasting(), 0).0, Some(3300));
    let endless = Times {
        expires_at: None,
        ..stated(1000)
    };
    assert_eq!(planned(endless, &lasting(), 0), (Some(500), None));
}

#[test]
fn nothing_is_stale_before_the_provider_takes_a_refresh() {
    let rules = Rules {
        not_before: Some(Duration::from_secs(30)),
        refresh_lifetime: RefreshLifetime::Fixed(Duration::from_secs(600)),
        ..rules()
    };
    assert_eq!(planned(issued(600), &rules, 0).0, Some(570));
    let hinted = Times {
        refresh_at: Some(NOW + seconds(100)),
        ..issued(600)
    };
    assert_eq!(planned(hinted, &rules, 0).0, Some(570));
    // The refresh token's idle time ends earlier: it is presented as soon as the provider takes it.
    assert_eq!(planned(issued(3600), &rules, 0).0, Some(3570));
    // Without an expiry, the provider cannot refuse an early refresh.
    let endless = Times {
        expires_at: None,
        ..issued(0)
    };
    assert_eq!(planned(endless, &rules, 0).0, Some(300));
}
