//! An hour of a large fleet's life.

use tokenkeeper_engine::Clock as _;

use super::{MINUTE, fleet::Fleet};
use crate::harness::HOUR;

/// A million, where the code is optimised.
const ACCOUNTS: u32 = if cfg!(debug_assertions) {
    5_000
} else {
    1_000_000
};

/// Accounts that were all connected within one minute: the worst that can happen to the provider.
#[tokio::test(start_paused = true)]
async fn an_hour_of_a_large_fleet_is_even_work_for_its_provider() {
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
    println!("and an hour went by in {:?}", clock.elapsed());

    let now = fleet.clock.wall();
    fleet.provider.seen(|seen| {
        // Few accounts are counted over several seconds, so that chance weighs no more than with many.
        let span = (1_000_000 / ACCOUNTS) as usize;
        let spans: Vec<u32> = seen.per_second[600..3600]
            .chunks(span)
            .map(|seconds| seconds.iter().sum())
            .collect();
        let mean = spans.iter().sum::<u32>() as usize / spans.len();
        let (least, most) = (spans.iter().min().unwrap(), spans.iter().max().unwrap());
        println!(
            "{} token requests; in {span} s: {mean} on average, {least} at least, {most} at most; soonest {:?}",
            seen.per_second.iter().sum::<u32>(),
            seen.soonest,
        );
        assert!((*most as usize) < mean * 3 / 2, "{spans:?}");
        assert!((*least as usize) > mean / 2, "{spans:?}");
        assert_eq!((seen.refused, seen.expired), (0, 0));
        let oldest = seen.accounts.iter().map(|issued| issued.at).min().unwrap();
        assert!(now.duration_since(oldest).unwrap() < HOUR);
        // Nobody's tokens are replaced for nothing.
        assert!(seen.soonest > 5 * MINUTE, "{:?}", seen.soonest);
    });
}
