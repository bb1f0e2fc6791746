//! Simulates an hour of a large fleet, and an outage of it.

use tokenkeeper_engine::Clock as _;

use super::fleet::Fleet;
use crate::harness::{HOUR, MINUTE, SECOND};

/// A million in optimised builds.
const ACCOUNTS: u32 = if cfg!(debug_assertions) {
    5_000
} else {
    1_000_000
};

/// All accounts are connected within one minute, which is the worst case for the provider.
#[tokio::test(start_paused = true)]
async fn an_hour_of_a_large_fleet_loads_its_provider_evenly() {
    let clock = std::time::Instant::now();
    let fleet = Fleet::connect(ACCOUNTS, MINUTE).await;
    println!("connected {ACCOUNTS} accounts in {:?}", clock.elapsed());
    let (one, other) = (fleet.process(), fleet.process());
    let end = tokio::time::Instant::now() + HOUR;
    let (first, second) = tokio::join!(
        one.refresher().run(tokio::time::sleep_until(end)),
        other.refresher().run(tokio::time::sleep_until(end)),
    );
    first.unwrap();
    second.unwrap();
    println!("simulated an hour in {:?}", clock.elapsed());

    let now = fleet.clock.wall();
    fleet.provider.seen(|seen| {
        // With few accounts, requests are counted over several seconds to reduce the noise.
        let span = (1_000_000 / ACCOUNTS) as usize;
        let spans: Vec<u32> = seen.per_second[600..3600]
            .chunks(span)
            .map(|seconds| seconds.iter().sum())
            .collect();
        let mean = spans.iter().sum::<u32>() as usize / spans.len();
        let (least, most) = (spans.iter().min().unwrap(), spans.iter().max().unwrap());
        println!(
            "{} token requests; per {span} s: mean {mean}, min {least}, max {most}; soonest {:?}",
            seen.per_second.iter().sum::<u32>(),
            seen.soonest,
        );
        assert!((*most as usize) < mean * 3 / 2, "{spans:?}");
        assert!((*least as usize) > mean / 2, "{spans:?}");
        assert_eq!((seen.refused, seen.expired), (0, 0));
        let oldest = seen.accounts.iter().map(|issued| issued.at).min().unwrap();
        assert!(now.duration_since(oldest).unwrap() < HOUR);
        // No tokens are replaced needlessly.
        assert!(seen.soonest > 5 * MINUTE, "{:?}", seen.soonest);
    });
}

/// Accounts of the burst: a million in optimised builds.
const DUE: u32 = if cfg!(debug_assertions) {
    2_000
} else {
    1_000_000
};

/// Lanes of each worker: they finish before the first account is due again.
const LANES: u32 = if cfg!(debug_assertions) { 8 } else { 32 };

/// The outage was longer than the lifetime of the tokens.
#[tokio::test(start_paused = true)]
async fn sixteen_workers_refresh_a_fleet_that_is_due_at_once() {
    let fleet = Fleet::connect(DUE, MINUTE).await;
    tokio::time::advance(2 * HOUR).await;
    fleet.provider.answer_after(SECOND / 10);
    let before = tokio::time::Instant::now();
    // Each lane visits ten accounts a second.
    let ideal = SECOND * DUE / (16 * LANES * 10);
    let end = before + ideal.mul_f64(1.15) + SECOND;
    let workers = (0..16).map(|_| {
        let refresher = fleet.process().refresher().concurrency(LANES as usize);
        refresher.run(tokio::time::sleep_until(end))
    });
    for done in futures_util::future::join_all(workers).await {
        done.unwrap();
    }
    fleet.provider.seen(|seen| {
        println!(
            "{} of {DUE} refreshed; per second {:?}",
            seen.refreshed, seen.per_second
        );
        assert_eq!((seen.refreshed, seen.refused), (DUE, 0));
    });
}
