use super::*;

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
