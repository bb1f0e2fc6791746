use super::*;
use crate::{
    id::Id,
    record::{Authorization, Tombstone},
    rules::tests::{Tokens, rules},
};

/// Returns tokens that were issued at second 0, and what is known of their ends.
fn live(expires_in: Option<u64>, refresh_expires_in: Option<u64>) -> Live<Tokens> {
    let authorization = Authorization {
        number: 1,
        id: Id([1; 16]),
    };
    let times = Times {
        issued_at: at(0),
        expires_at: expires_in.map(at),
        refresh_at: None,
        refresh_expires_at: refresh_expires_in.map(at),
    };
    Live::first(authorization, Tokens(times))
}

/// Returns when accounts with such tokens are due, in seconds after the issue: the earliest and the
/// latest of them.
fn due_between(live: &Live<Tokens>, rules: &Rules) -> (u64, u64) {
    let due = |n| seconds(planned(live, rules, place(n)).expect("there is a refresh token"));
    let due: Vec<u64> = (0..2000).map(due).collect();
    let earliest = due.iter().min().copied().unwrap_or_default();
    (earliest, due.iter().max().copied().unwrap_or_default())
}

/// Returns a pseudo-random place.
fn place(n: u32) -> Place {
    let mut state = u64::from(n) ^ 0x9E37_79B9_7F4A_7C15;
    Place([0; 2].map(|_: u64| {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }))
}

fn at(seconds: u64) -> WallMillis {
    (1_800_000_000 + seconds) * 1000
}

fn seconds(time: WallMillis) -> u64 {
    (time - at(0)) / 1000
}

const FLOOR: Duration = Duration::from_secs(30);
const LIFE: u64 = 3300;

fn moment(n: u32, issued: u64) -> u64 {
    seconds(spread(place(n), at(issued), at(issued + LIFE), FLOOR))
}

/// Counts the accounts that are due in each minute.
fn per_minute(moments: impl Iterator<Item = u64>) -> Vec<u32> {
    let mut minutes = vec![0; 120];
    for moment in moments {
        minutes[usize::try_from(moment / 60).expect("in range")] += 1;
    }
    minutes
}

#[test]
fn a_fleet_connected_at_once_is_spread_over_the_period() {
    let minutes = per_minute((0..100_000).map(|n| moment(n, u64::from(n) % 60)));
    assert_eq!(minutes[..5].iter().sum::<u32>(), 0, "{minutes:?}");
    let steady = &minutes[7..53];
    let mean = steady.iter().sum::<u32>() / 46;
    for count in steady {
        assert!(
            (mean * 9 / 10..mean * 11 / 10).contains(count),
            "{minutes:?}"
        );
    }
}

#[test]
fn a_fleet_stays_spread_across_generations() {
    // An account that is moved in its first period runs ahead of the others, so the test looks at
    // the phase of each due time.
    let period = round_down(LIFE * 1000) / 1000;
    let mut moments: Vec<u64> = (0..100_000).map(|n| moment(n, 0)).collect();
    for generation in 1..6 {
        for (n, last) in (0..).zip(&mut moments) {
            // Each account is visited up to five seconds late.
            let next = moment(n, *last + u64::from(n) % 6);
            assert!(next > *last + 300 && next <= *last + 5 + LIFE);
            *last = next;
        }
        let minutes = per_minute(moments.iter().map(|moment| moment % period));
        let most = minutes.iter().max().copied().unwrap_or_default();
        assert!(most < 100_000 / 53 * 3 / 2, "{generation}: {minutes:?}");
    }
}

#[test]
fn an_account_is_refreshed_once_a_period() {
    for n in 0..1000 {
        // After three periods the account has reached its own phase.
        let settled = (0..3).fold(moment(n, 0), |last, _| moment(n, last + 3));
        let next = moment(n, settled + 3);
        let after = moment(n, next + 4);
        let period = round_down(LIFE * 1000) / 1000;
        for span in [next - settled, after - next] {
            assert!((period..=period + 1).contains(&span), "{n}: {span}");
        }
    }
}

#[test]
fn lifetimes_that_differ_by_a_second_have_one_period() {
    let moment = |life| spread(place(7), at(0), at(life), FLOOR);
    assert_eq!(moment(LIFE), moment(LIFE - 1));
}

#[test]
fn a_short_lifetime_is_used_to_its_end() {
    assert_eq!(seconds(spread(place(7), at(0), at(30), FLOOR)), 30);
    assert_eq!(seconds(spread(place(7), at(5), at(5), FLOOR)), 5);
    // The server's clock is behind ours.
    assert_eq!(seconds(spread(place(7), at(5), at(1), FLOOR)), 1);
}

const DAY: u64 = 24 * 3600;

#[test]
fn tokens_without_a_known_end_are_due_within_a_week() {
    let (earliest, latest) = due_between(&live(None, None), &rules());
    let period = round_down(7 * DAY * 1000) / 1000;
    assert!(earliest < DAY && earliest >= period / 10, "{earliest}");
    assert!(latest > period * 9 / 10 && latest <= 7 * DAY, "{latest}");
}

#[test]
fn a_stated_end_of_the_refresh_token_makes_an_account_due() {
    for expires_in in [None, Some(365 * DAY)] {
        let (_, latest) = due_between(&live(expires_in, Some(100 * DAY)), &rules());
        assert!((45 * DAY..=50 * DAY).contains(&latest), "{latest}");
    }
    // Zero seconds mean "never".
    let (_, latest) = due_between(&live(Some(3600), Some(0)), &rules());
    assert!(latest > 3000, "{latest}");
}

#[test]
fn no_account_is_due_before_the_provider_takes_a_refresh() {
    let mut rules = Rules {
        not_before: Some(Duration::from_secs(30)),
        ..rules()
    };
    assert_eq!(due_between(&live(Some(600), None), &rules), (570, 570));
    rules.not_before = Some(Duration::from_secs(1000));
    let (earliest, latest) = due_between(&live(Some(3600), None), &rules);
    assert!(
        earliest >= 2600 && latest > 3200 && latest <= 3300,
        "{earliest}..{latest}"
    );
    // The refresh token's idle time ends earlier: it is due as soon as the provider takes it.
    let keep_alive = due_between(&live(Some(3600), Some(1200)), &rules);
    assert_eq!(keep_alive, (2600, 2600));
    let (_, latest) = due_between(&live(None, Some(1200)), &rules);
    assert!((540..=600).contains(&latest), "{latest}");
}

#[test]
fn a_record_outlives_the_stated_end_of_its_refresh_token() {
    let margin = CLOCK_MARGIN.as_secs();
    let kept = |live: &Live<Tokens>, rules: &Rules, now| {
        let until = live_until(live, rules, at(now));
        until.map(seconds)
    };
    let lasting = rules();
    assert_eq!(kept(&live(Some(3600), None), &lasting, 0), None);
    let stated = live(Some(3600), Some(100 * DAY));
    assert_eq!(kept(&stated, &lasting, 0), Some(100 * DAY + margin));
    // By the clock of the process that writes.
    assert_eq!(kept(&stated, &lasting, 50), Some(100 * DAY + margin + 50));
    let outlived = live(Some(200 * DAY), Some(100 * DAY));
    assert_eq!(kept(&outlived, &lasting, 0), Some(200 * DAY));
    let fixed = |days| Rules {
        refresh_lifetime: RefreshLifetime::Fixed(Duration::from_secs(days * DAY)),
        ..rules()
    };
    assert_eq!(kept(&stated, &fixed(30), 0), Some(100 * DAY + margin));
    assert_eq!(kept(&stated, &fixed(300), 0), Some(300 * DAY + margin));
}

#[test]
fn a_record_whose_access_token_has_no_end_is_kept() {
    let fixed = Rules {
        refresh_lifetime: RefreshLifetime::Fixed(Duration::from_secs(30 * DAY)),
        ..rules()
    };
    for (rules, refresh_expires_in) in [
        (rules(), Some(100 * DAY)),
        (fixed.clone(), Some(100 * DAY)),
        (fixed, None),
    ] {
        let live = live(None, refresh_expires_in);
        let kept = retention(&Record::of(State::Live(live)), &rules, place(1), at(0));
        assert_eq!(kept.keep_until, None, "{refresh_expires_in:?}");
    }
}

#[test]
fn every_tombstone_is_dropped_after_its_time() {
    let margin = CLOCK_MARGIN.as_secs();
    for refresh_lifetime in [
        RefreshLifetime::Unlimited,
        RefreshLifetime::AsAccessToken,
        RefreshLifetime::Fixed(Duration::from_secs(5 * 366 * DAY)),
    ] {
        let rules = Rules {
            refresh_lifetime,
            ..rules()
        };
        for (forgotten, life) in [(false, 366 * DAY), (true, 2 * 3600)] {
            let ended = Tombstone {
                forgotten,
                ..live(Some(3600), None).tombstone()
            };
            let kept =
                retention::<Tokens>(&Record::of(State::Ended(ended)), &rules, place(1), at(0));
            assert_eq!(kept.keep_until.map(seconds), Some(life + margin));
            assert!(!kept.attention && kept.due.is_none());
        }
    }
}

#[test]
fn endless_times_do_not_overflow() {
    let most = Duration::MAX;
    let rules = Rules {
        refresh_lifetime: RefreshLifetime::Fixed(most),
        lease: most,
        ..rules()
    };
    let mut live = live(Some(3600), None);
    live.payload.0.expires_at = Some(WallMillis::MAX);
    live.payload.0.refresh_expires_at = Some(WallMillis::MAX);
    live.failures.pause = WallMillis::MAX;
    for issued_at in [0, at(0), WallMillis::MAX] {
        live.payload.0.issued_at = issued_at;
        let ended = Tombstone {
            authorization: live.authorization,
            generation: 1,
            forgotten: false,
        };
        let states = [State::Live(live.clone()), State::Ended(ended), State::Empty];
        for state in states {
            for n in 0..100 {
                let kept = retention(&Record::of(state.clone()), &rules, place(n), at(0));
                assert!(kept.keep_until > Some(at(0)));
            }
        }
    }
}
