//! Memory growth while the store is read-only, and with sites that are never connected.

use tokenkeeper_emulator::Emulator;
use tokenkeeper_engine::{
    Account, Error, Options,
    protocol::{Registration, SitePolicy},
};
use tokenkeeper_provider_ioffice::IOffice;
use tokio::{
    runtime::{Builder, Runtime},
    time::sleep,
};

use super::assert_fails_for;
use crate::harness::{HOUR, MINUTE, StoreFault, World, seconds};

fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
}

/// Asks once a second for an hour while the store is read-only.
async fn hour_without_writes(world: &World, account: &Account) {
    world.store.reset_counts();
    let is_expected = |error: &Error| matches!(error, Error::Store { .. });
    assert_fails_for(account, HOUR, seconds(1), is_expected).await;
    let trips = world.store.round_trips();
    assert!(trips < 600, "{trips} in an hour");
}

#[test]
fn a_read_only_store_costs_no_memory() {
    let runtime = runtime();
    let (world, account) = runtime.block_on(async {
        let (world, account) = World::without_notifications(Options::default())
            .expired()
            .await;
        world.store.fail(usize::MAX, StoreFault::ReadOnly);
        hour_without_writes(&world, &account).await;
        (world, account)
    });
    for _ in 0..2 {
        let grown = allocation_counter::measure(|| {
            runtime.block_on(hour_without_writes(&world, &account));
        });
        assert!(grown.bytes_current < 1024, "{grown:?}");
    }
    runtime.block_on(async {
        world.store.recover();
        sleep(MINUTE).await;
        assert_eq!(world.call_api(&account).await, 200);
        assert_eq!(world.token_requests(), 1);
    });
}

#[test]
fn sites_without_connections_cost_no_memory() {
    const SITES: usize = 2_000;
    let runtime = runtime();
    let _inside = runtime.enter();
    let registration = Registration::new("client", "https://app.example/cb");
    let provider = IOffice::new(registration).unwrap();
    let provider = provider.sites(SitePolicy::subdomains_of("example.com"));
    let world =
        runtime.block_on(async { World::new(Emulator::ioffice(), provider, Options::default()) });
    let type_sites = |round: usize| {
        for number in 0..SITES {
            let site = format!("https://site-{round}-{number}.example.com");
            let account = world.accounts.account_at("ioffice", &site, "user-42");
            drop(account.unwrap());
        }
    };
    let pass = async || {
        for _ in 0..3 * 60 {
            sleep(MINUTE).await;
        }
    };
    type_sites(0);
    runtime.block_on(pass());
    let grown = allocation_counter::measure(|| {
        for round in 1..4 {
            type_sites(round);
            runtime.block_on(pass());
        }
    });
    let per_site = grown.bytes_current / (3 * SITES as i64);
    assert!(per_site < 50, "{per_site} bytes a site");
}
