//! What a refresher keeps, beside whom, and at what cost.

use std::{
    sync::atomic::Ordering,
    time::{Duration, UNIX_EPOCH},
};

use tokenkeeper_emulator::{Emulator, Endpoint, Fault as Broken};
use tokenkeeper_engine::{Account, Options, TokenSource, store::TokenStore};

use super::{MINUTE, fleet::Fleet, run};
use crate::harness::{HOUR, World, amiqus, issued, login};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn connect(world: &World, accounts: u32) -> Vec<Account> {
    let mut connected = Vec::new();
    for n in 0..accounts {
        let account = world.accounts.account("amiqus", &n.to_string()).unwrap();
        account.adopt(issued(&world.emulator)).await.unwrap();
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
    // Just less than the half of an hour after which a refresh token is kept alive, so each is due
    // once.
    let time = 29 * MINUTE + 35 * Duration::from_secs(1);
    tokio::join!(run(one.refresher(), time), run(other.refresher(), time));
    assert_eq!(world.token_requests(), 30);
    for account in &accounts {
        assert_eq!(account.token().await.unwrap().generation(), 2);
    }
    // An attempt and its result for each account, whoever else tried in the same moment; and a read
    // by each worker that saw it listed.
    let (gets, applied) = (&world.store.gets, &world.store.applied);
    assert_eq!(applied.load(Ordering::SeqCst), 60);
    assert!(gets.load(Ordering::SeqCst) <= 60 + 30, "{gets:?}");
}

#[tokio::test(start_paused = true)]
async fn refreshers_that_look_at_the_same_moment_present_no_token_twice() {
    let world = World::amiqus();
    connect(&world, 30).await;
    world.pass(50 * MINUTE).await;
    let processes: Vec<_> = (0..4).map(|_| world.another_process()).collect();
    let work = processes
        .iter()
        .map(|process| run(process.refresher(), MINUTE));
    futures_util::future::join_all(work).await;
    assert_eq!(world.token_requests(), 30);
}

#[tokio::test(start_paused = true)]
async fn an_idle_account_with_a_token_of_a_year_is_kept_alive_at_half_of_it() {
    let world = World::new(Emulator::amiqus(), amiqus(), Options::default());
    let account = world.connected().await;
    let refresher = world.another_process().refresher().scan_interval(HOUR);
    run(refresher.clone(), 18 * DAY).await;
    assert_eq!(world.token_requests(), 0);
    run(refresher.clone(), 165 * DAY).await;
    assert_eq!(world.token_requests(), 1);
    run(refresher, 182 * DAY).await;
    assert_eq!(world.token_requests(), 2);
    assert_eq!(world.call(&account).await, 200);
}

#[tokio::test(start_paused = true)]
async fn a_user_never_waits_for_a_refresh() {
    let world = World::amiqus();
    let account = world.connected().await;
    let process = world.another_process();
    let served = async {
        for _ in 0..600 {
            tokio::time::sleep(MINUTE).await;
            account.status().await.unwrap();
            assert!(TokenSource::try_credential(&account, true).is_some());
        }
    };
    process.refresher().run(served).await.unwrap();
    // Each half of an hour or a little less; the caller itself never had to.
    assert!((19..=24).contains(&world.token_requests()));
}

#[tokio::test(start_paused = true)]
async fn what_a_disconnect_left_behind_is_revoked() {
    let world = World::ioffice();
    let account = world.connected().await;
    let faults = world.emulator.faults();
    faults.always(Endpoint::Revoke, Broken::ServerError);
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
async fn a13_accounts_come_back_when_the_configuration_is_right_again() {
    let world = World::amiqus();
    let account = world.connected().await;
    let client = tokenkeeper_emulator::DEFAULT_CLIENT_ID;
    world.emulator.change_secret(client, "another");
    run(world.accounts.refresher(), 3 * HOUR).await;
    // Pauses double from a second to an hour.
    let requests = world.token_requests();
    assert!((10..=20).contains(&requests), "{requests}");
    let registration = crate::harness::registration().secret("another");
    let repaired = tokenkeeper_provider_amiqus::Amiqus::new(registration).unwrap();
    let repaired = repaired.base(crate::harness::BASE).unwrap();
    let store = world.store.clone();
    let options = Options::default();
    let process = crate::harness::engine(&world.emulator, store, &world.clock, repaired, options);
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
async fn no_more_accounts_of_a_provider_are_worked_on_at_once_than_allowed() {
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
async fn what_is_found_at_once_is_spread_over_the_time_until_the_next_look() {
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
async fn accounts_of_another_application_are_passed_over() {
    let world = World::amiqus();
    let account = world.connected().await;
    let due = UNIX_EPOCH + Duration::from_secs(1);
    let theirs = world
        .store
        .entry(&account.key())
        .await
        .unwrap()
        .with_due(due);
    for (brand, client) in [("another", "client"), ("amiqus", "another")] {
        let (key, name) = (account.key(), "theirs");
        let base = key.base();
        let key = tokenkeeper_engine::store::Key::new(brand, base, client, name).unwrap();
        let _ = world.store.put(&key, &theirs, None).await.unwrap();
    }
    world.store.reset_counts();
    run(world.another_process().refresher(), 2 * MINUTE).await;
    assert_eq!((world.token_requests(), world.store.round_trips()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_login_during_its_work_stands() {
    let world = World::amiqus();
    let account = world.connected().await;
    world.pass(50 * MINUTE).await;
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let process = world.another_process();
    let work = tokio::spawn(run(process.refresher(), 10 * MINUTE));
    gate.arrived(1).await;
    account.adopt(issued(&world.emulator)).await.unwrap();
    gate.release();
    work.await.unwrap();
    assert_eq!(world.call(&account).await, 200);
    login(&world.emulator, &account).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_refreshed_account_that_no_caller_uses_leaves_memory() {
    let world = World::amiqus();
    world.connected().await;
    world.pass(50 * MINUTE).await;
    let process = world.another_process();
    run(process.refresher(), MINUTE).await;
    assert_eq!(world.token_requests(), 1);
    assert!(world.account_of(&process).try_credential(true).is_none());
}
