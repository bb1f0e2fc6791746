//! Refreshes that depend on time: the emulator plays the provider, a dialect describes it.

use std::time::Duration;

use tokenkeeper_emulator::{Emulator, PlainOptions};
use tokenkeeper_engine::{Options, protocol::Dialect};

use crate::harness::{HOUR, MINUTE, World, plain, seconds, settle};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What became of an account in an hour.
struct Hour {
    granted: u64,
    /// Refreshes that the provider refused because they came too early.
    early: u64,
    /// Uses that got no token.
    failed: usize,
}

/// Uses an account once a second for an hour, while a refresher runs.
async fn use_for_an_hour(change: impl FnOnce(&mut Dialect)) -> Hour {
    let emulator = Emulator::plain()
        .options(PlainOptions::default().refresh_not_before(seconds(30)))
        .access_token_lifetime(10 * MINUTE);
    let world = World::new(emulator, plain(change), Options::default());
    let account = world.connect_account().await;
    let mut failed = 0;
    let uses = async {
        for _ in 0..3600 {
            tokio::time::sleep(seconds(1)).await;
            failed += usize::from(account.token().await.is_err());
        }
    };
    let refresher = world.another_process().refresher().scan_interval(MINUTE);
    refresher.run(uses).await.unwrap();
    settle().await;
    let counters = world.emulator.counters();
    Hour {
        granted: counters.outcomes("granted"),
        early: counters.outcomes("access_denied"),
        failed,
    }
}

#[tokio::test(start_paused = true)]
async fn no_refresh_comes_too_early_for_the_provider() {
    let hour = use_for_an_hour(|dialect| dialect.refresh.not_before = Some(30)).await;
    assert_eq!((hour.early, hour.failed), (0, 0));
    assert!((6..=7).contains(&hour.granted), "{}", hour.granted);
    // The provider is strict: a dialect that does not say so meets refusals.
    let hour = use_for_an_hour(|_| ()).await;
    assert!(hour.early > 0);
}

#[tokio::test(start_paused = true)]
async fn an_idle_account_outlives_its_refresh_token() {
    for (told, alive) in [(true, true), (false, false)] {
        let options = match told {
            true => PlainOptions::default().refresh_expiry_member("refresh_expires_in"),
            false => PlainOptions::default(),
        };
        let emulator = Emulator::plain()
            .options(options)
            .access_token_lifetime(365 * DAY)
            .refresh_token_lifetime(Some(10 * DAY));
        let world = World::new(emulator, plain(|_| ()), Options::default());
        let account = world.connect_account().await;
        let refresher = world.another_process().refresher().scan_interval(HOUR);
        refresher.run(tokio::time::sleep(30 * DAY)).await.unwrap();
        assert_eq!(account.refresh().await.is_ok(), alive, "told: {told}");
    }
}
