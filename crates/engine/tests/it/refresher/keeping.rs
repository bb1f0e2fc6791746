//! What a refresher keeps fresh, next to other refreshers, and its cost.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, UNIX_EPOCH},
};

use tokenkeeper_emulator::{Emulator, Endpoint, Fault as EndpointFault};
use tokenkeeper_engine::{
    Account, Options, TokenSource,
    store::{Entry, Key, TokenStore, Version},
};

use super::{fleet::Fleet, parts::PartedStore, run};
use crate::harness::{HOUR, MINUTE, World, amiqus, issue_tokens, login, seconds};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn connect(world: &World, accounts: u32) -> Vec<Account> {
    let mut connected = Vec::new();
    for n in 0..accounts {
        let account = world.accounts.account("amiqus", &n.to_string()).unwrap();
        account.adopt(issue_tokens(&world.emulator)).await.unwrap();
        connected.push(account);
    }
    world.emulator.reset_counters();
    world.store.reset_counts();
    connected
}

#[tokio::test(start_paused = true)]
async fn two_refreshers_refresh_each_account_once() {
    let world = World::amiqus();
    let accounts = connect(&world, 30).await;
    let (one, other) = (world.another_process(), world.another_process());
    // A little less than the half hour after which a refresh token is kept alive, so each account
    // is due once.
    let time = 29 * MINUTE + 35 * seconds(1);
    tokio::join!(run(one.refresher(), time), run(other.refresher(), time));
    assert_eq!(world.token_requests(), 30);
    for account in &accounts {
        assert_eq!(account.token().await.unwrap().generation(), 2);
    }
    // One attempt and one result per account, even if both refreshers tried, and one read by each
    // worker that saw the account listed.
    let (gets, applied) = (&world.store.gets, &world.store.applied);
    assert_eq!(applied.load(Ordering::SeqCst), 60);
    assert!(gets.load(Ordering::SeqCst) <= 60 + 30, "{gets:?}");
}

#[tokio::test(start_paused = true)]
async fn entries_of_the_engine_are_not_visited() {
    let fleet = Fleet::connect(1, Duration::ZERO).await;
    let key = fleet.process().account("plain", "0").unwrap().key();
    for kind in ["forgotten", "claimed"] {
        let subject = format!("{kind}:{}", "0a".repeat(32));
        let key = Key::new(key.brand(), key.base(), key.client_id(), &subject).unwrap();
        let entry = Entry::new(Version::random(), "value").with_due(UNIX_EPOCH);
        let entry = entry.with_attention(true);
        let put = fleet.store.put(&key, &entry, None).await.unwrap();
        assert!(put.is_applied());
    }
    let store = Arc::new(PartedStore::new(&fleet.store));
    run(fleet.process_on(store.clone()).refresher(), MINUTE).await;
    assert!(store.lists.load(Ordering::SeqCst) > 0);
    assert_eq!(store.claim_calls.load(Ordering::SeqCst), 0);
    assert_eq!(store.gets.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn concurrent_refreshers_present_no_token_twice() {
    let world = World::amiqus();
    connect(&world, 30).await;
    world.advance(50 * MINUTE).await;
    let processes: Vec<_> = (0..4).map(|_| world.another_process()).collect();
    let work = processes
        .iter()
        .map(|process| run(process.refresher(), MINUTE));
    futures_util::future::join_all(work).await;
    assert_eq!(world.token_requests(), 30);
}

#[tokio::test(start_paused = true)]
async fn an_idle_account_is_kept_alive_at_half_of_its_lifetime() {
    let world = World::new(Emulator::amiqus(), amiqus(), Options::default());
    let account = world.connect_account().await;
    let refresher = world.another_process().refresher().scan_interval(HOUR);
    run(refresher.clone(), 18 * DAY).await;
    assert_eq!(world.token_requests(), 0);
    run(refresher.clone(), 165 * DAY).await;
    assert_eq!(world.token_requests(), 1);
    run(refresher, 182 * DAY).await;
    assert_eq!(world.token_requests(), 2);
    assert_eq!(world.call_api(&account).await, 200);
}

#[tokio::test(start_paused = true)]
async fn a_user_never_waits_for_a_refresh() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    let process = world.another_process();
    let served = async {
        for _ in 0..600 {
            tokio::time::sleep(MINUTE).await;
            account.status().await.unwrap();
            assert!(TokenSource::try_credential(&account, true).is_some());
        }
    };
    process.refresher().run(served).await.unwrap();
    // One refresh every half hour or a little less, and none by the caller.
    assert!((19..=24).contains(&world.token_requests()));
}

#[tokio::test(start_paused = true)]
async fn a_refresher_finishes_a_pending_revocation() {
    let world = World::ioffice();
    let account = world.connect_account().await;
    let faults = world.emulator.faults();
    faults.always(Endpoint::Revoke, EndpointFault::ServerError);
    account.disconnect().await.unwrap();
    assert!(world.store.entry(&account.key()).await.unwrap().attention);
    faults.clear_all();
    world.emulator.reset_counters();
    let sites = world.accounts.refresher().attention_interval(10 * MINUTE);
    run(sites, 2 * MINUTE).await;
    assert_eq!(world.emulator.counters().revocations, 2);
    assert!(!world.store.entry(&account.key()).await.unwrap().attention);
}

#[tokio::test(start_paused = true)]
async fn a13_accounts_recover_with_a_correct_configuration() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    let client = tokenkeeper_emulator::DEFAULT_CLIENT_ID;
    world.emulator.change_secret(client, "another");
    run(world.accounts.refresher(), 3 * HOUR).await;
    // Pauses double from a second to an hour.
    let requests = world.token_requests();
    assert!((10..=20).contains(&requests), "{requests}");
    let process = world.process_with_secret("another");
    run(process.refresher(), MINUTE).await;
    assert_eq!(world.token_requests(), requests + 1);
    assert!(
        world
            .store
            .entry(&account.key())
            .await
            .unwrap()
            .due
            .is_some()
    );
}

#[tokio::test(start_paused = true)]
async fn a_refresher_keeps_its_concurrency_limit() {
    let fleet = Fleet::connect(300, MINUTE).await;
    tokio::time::advance(50 * MINUTE).await;
    fleet.provider.answer_after(Duration::from_millis(700));
    let process = fleet.process();
    run(process.refresher().concurrency(3), 5 * MINUTE).await;
    fleet.provider.seen(|seen| {
        assert_eq!(seen.most_at_once, 3);
        assert_eq!(seen.per_second.iter().sum::<u32>(), 300);
    });
}

#[tokio::test(start_paused = true)]
async fn due_accounts_are_spread_until_the_next_scan() {
    let fleet = Fleet::connect(300, MINUTE).await;
    tokio::time::advance(54 * MINUTE).await;
    run(
        fleet.process().refresher().scan_interval(MINUTE),
        2 * MINUTE,
    )
    .await;
    fleet.provider.seen(|seen| {
        assert_eq!(seen.per_second.iter().sum::<u32>(), 300);
        assert!(
            seen.per_second.iter().max().unwrap() <= &6,
            "{:?}",
            seen.per_second
        );
    });
}

#[tokio::test(start_paused = true)]
async fn accounts_of_another_application_are_skipped() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    let due = UNIX_EPOCH + seconds(1);
    let theirs = world
        .store
        .entry(&account.key())
        .await
        .unwrap()
        .with_due(due);
    for (brand, client) in [("another", "client"), ("amiqus", "another")] {
        let (key, name) = (account.key(), "theirs");
        let base = key.base();
        let key = Key::new(brand, base, client, name).unwrap();
        let _ = world.store.put(&key, &theirs, None).await.unwrap();
    }
    world.store.reset_counts();
    run(world.another_process().refresher(), 2 * MINUTE).await;
    assert_eq!((world.token_requests(), world.store.round_trips()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_login_during_a_refreshers_work_wins() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    world.advance(50 * MINUTE).await;
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let process = world.another_process();
    let work = tokio::spawn(run(process.refresher(), 10 * MINUTE));
    gate.arrived(1).await;
    account.adopt(issue_tokens(&world.emulator)).await.unwrap();
    gate.release();
    work.await.unwrap();
    assert_eq!(world.call_api(&account).await, 200);
    login(&world.emulator, &account).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_refreshed_account_that_no_caller_uses_leaves_memory() {
    let world = World::amiqus();
    world.connect_account().await;
    world.advance(50 * MINUTE).await;
    let process = world.another_process();
    run(process.refresher(), MINUTE).await;
    assert_eq!(world.token_requests(), 1);
    assert!(world.account_of(&process).try_credential(true).is_none());
}
