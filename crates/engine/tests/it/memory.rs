//! Memory is a cache: idle accounts are dropped and read again.

use std::{collections::HashSet, sync::Arc, time::Duration};

use http::{HeaderMap, StatusCode};
use tokenkeeper_emulator::{Emulator, Endpoint, Fault as EndpointFault};
use tokenkeeper_engine::{
    Accounts, Error, Options, TokenSource,
    protocol::TokenSet,
    store::{Filter, TokenStore as _},
};
use tokenkeeper_store_memory::MemoryStore;
use tokio::runtime::Builder;

use crate::harness::{
    HOUR, InProcessTransport, StoreFault, World, amiqus, assert_err, credential,
    is_revocation_pending, join_after_release, login, seconds, settle, spawn_token,
};

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// Returns a world whose access tokens outlive the time after which idle accounts are dropped.
fn lasting() -> World {
    let emulator = Emulator::amiqus().access_token_lifetime(YEAR);
    World::new(emulator, amiqus(), Options::default())
}

async fn idle() {
    tokio::time::sleep(HOUR + HOUR / 2).await;
    settle().await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_account_is_dropped_and_its_handles_still_work() {
    let world = lasting();
    let account = world.connect_account().await;
    let sent = credential(&account).await;
    idle().await;
    assert!(account.try_credential(true).is_none(), "it was dropped");
    world.store.reset_counts();
    // A late rejection reads the store first.
    account.classify_response(sent.version(), StatusCode::UNAUTHORIZED, &HeaderMap::new());
    assert!(account.replacement(sent.version()).await.unwrap().is_some());
    assert_eq!(world.call_api(&account).await, 200);
    assert_eq!(world.token_requests(), 1);
    idle().await;
    assert_eq!(account.token().await.unwrap().generation(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_account_in_use_is_not_dropped() {
    let world = lasting();
    let account = world.connect_account().await;
    for _ in 0..120 {
        tokio::time::sleep(seconds(60)).await;
        assert!(account.try_credential(true).is_some());
        settle().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_used_again_stays_in_memory() {
    let minute = seconds(60);
    let options = Options::new().idle_timeout(minute);
    let world = World::without_notifications(options);
    let account = world.connect_account().await;
    tokio::time::sleep(10 * minute).await;
    settle().await;
    assert!(account.try_credential(true).is_none(), "it was dropped");
    world.store.reset_counts();
    for _ in 0..300 {
        account.token().await.unwrap();
        tokio::time::sleep(seconds(1)).await;
        settle().await;
    }
    // One read, then one comparison a minute.
    let trips = world.store.round_trips();
    assert!((5..=7).contains(&trips), "{trips}");
}

#[tokio::test(start_paused = true)]
async fn an_unwritten_account_is_never_dropped() {
    let world = lasting();
    let account = world.connect_account().await;
    world.store.fail_after(1, usize::MAX, StoreFault::Refuse);
    account.refresh().await.unwrap();
    idle().await;
    assert_eq!(world.call_api(&account).await, 200);
    world.store.recover();
    tokio::time::sleep(seconds(1)).await;
    assert_eq!(world.generation_elsewhere().await, 2);
}

#[tokio::test(start_paused = true)]
async fn all_handles_of_an_account_share_a_refresh() {
    let world = World::amiqus();
    world.connect_account().await;
    world.advance(HOUR).await;
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let tasks: Vec<_> = (0..100).map(|_| spawn_token(&world.account())).collect();
    for result in join_after_release(gate, tasks).await {
        result.unwrap();
    }
    assert_eq!(world.token_requests(), 1);
}

#[tokio::test(start_paused = true)]
#[allow(
    clippy::mutable_key_type,
    reason = "the hash reads only what never changes"
)]
async fn handles_of_one_account_are_equal_and_hash_alike() {
    let world = World::amiqus();
    let first = world.connect_account().await;
    let drop_idle = first.clone();
    world.advance(2 * HOUR).await;
    let again = world.account();
    let other = world.accounts.account("amiqus", "user-43").unwrap();
    let elsewhere = world.account_elsewhere();
    assert_eq!(first, again);
    assert_eq!(drop_idle, again);
    assert_ne!(first, other);
    assert_ne!(first, elsewhere, "another engine may have another store");
    let set = HashSet::from([first, again, drop_idle, other, elsewhere]);
    assert_eq!(set.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_disconnected_account_leaves_memory_at_once() {
    for world in [World::amiqus(), World::ioffice()] {
        let (here, there) = world.connect_in_two_processes().await;
        here.disconnect().await.unwrap();
        for account in [&here, &there] {
            assert_err!(account.token().await, Error::Disconnected { .. });
        }
        let reads = |after: &str, expected: usize| {
            let trips = world.store.round_trips();
            assert_eq!(trips, expected, "{after}");
            world.store.reset_counts();
        };
        world.store.reset_counts();
        for account in [&here, &there] {
            assert_err!(account.token().await, Error::Disconnected { .. });
        }
        reads("memory knows the tombstone", 0);
        tokio::time::sleep(seconds(15)).await;
        for account in [&here, &there] {
            assert_err!(account.token().await, Error::Disconnected { .. });
        }
        reads("both were dropped, and read the tombstone", 2);
        // The handles still work.
        login(&world.emulator, &here).await.unwrap();
        assert_eq!(world.call_api(&there).await, 200);
        tokio::time::sleep(seconds(30)).await;
        assert!(there.try_credential(true).is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_stays_in_memory_until_its_tokens_are_revoked() {
    let world = World::ioffice();
    let account = world.connect_account().await;
    let faults = world.emulator.faults();
    faults.always(Endpoint::Revoke, EndpointFault::ServerError);
    account.disconnect().await.unwrap();
    tokio::time::sleep(seconds(60)).await;
    faults.clear_all();
    world.emulator.reset_counters();
    // This process tries again.
    tokio::time::sleep(2 * HOUR / 3).await;
    settle().await;
    assert!(!is_revocation_pending(&account).await);
    assert_eq!(world.emulator.counters().revocations, 2);
}

#[test]
fn disconnected_accounts_cost_no_memory() {
    const ACCOUNTS: usize = 500;
    let runtime = Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    let _inside = runtime.enter();
    let world = runtime.block_on(async { World::amiqus() });
    // The world's own store keeps a history.
    let store = Arc::new(MemoryStore::new());
    let accounts = Accounts::builder(store.clone())
        .provider(amiqus())
        .transport(InProcessTransport::new(world.emulator.clone()))
        .clock(world.clock.clone())
        .build()
        .unwrap();
    let come_and_go = |round: usize| {
        runtime.block_on(async {
            for user in 0..ACCOUNTS {
                let account = accounts.account("amiqus", &format!("user-{round}-{user}"));
                let account = account.unwrap();
                let tokens = TokenSet::new(format!("access-{user}"));
                account.adopt(tokens).await.unwrap();
                account.disconnect().await.unwrap();
            }
            tokio::time::sleep(seconds(20)).await;
            settle().await;
            for key in store.list(Filter::All, None, 10_000).await.unwrap().keys {
                let entry = store.get(&key).await.unwrap().unwrap();
                let _ = store.delete(&key, entry.version).await.unwrap();
            }
        });
    };
    come_and_go(0);
    let grown = allocation_counter::measure(|| {
        for round in 1..4 {
            come_and_go(round);
        }
    });
    let each = grown.bytes_current / (3 * ACCOUNTS as i64);
    assert!(each < 50, "{each} bytes an account");
}
