//! Back-pressure: callers wait for the trail, and an answered token does not.

use std::sync::Arc;

use tokenkeeper_emulator::Endpoint;
use tokenkeeper_engine::{Account, Accounts, Audit, Error, Options, protocol::TokenSet};

use super::{Behaviour, Sink, adopt, audited};
use crate::harness::{
    HOUR, MINUTE, World, assert_err, login, settle, spawn_disconnect, spawn_refresh, spawn_token,
};

/// Returns a process whose operations wait for a trail with room for one entry, and its sink.
fn strict(world: &World, options: Options) -> (Accounts, Account, Arc<Sink>) {
    let sink = Arc::new(Sink::default());
    let audit = Audit::new(sink.clone()).capacity(1).back_pressure(true);
    let accounts = world.builder().audit(audit).options(options).build();
    let accounts = accounts.unwrap();
    let account = world.account_of(&accounts);
    (accounts, account, sink)
}

/// Patient callers.
fn patient() -> Options {
    Options::default().acquire_timeout(HOUR)
}

#[tokio::test(start_paused = true)]
async fn operations_wait_until_there_is_room() {
    let world = World::amiqus();
    let (_accounts, account, sink) = strict(&world, patient());
    login(&world.emulator, &account).await.unwrap();
    sink.take_names().await;
    sink.behave(Behaviour::Fails);
    account.refresh().await.unwrap();
    settle().await;
    let held = [spawn_refresh(&account), spawn_refresh(&account)];
    let disconnect = spawn_disconnect(&world.account_of(&audited_elsewhere(&world)));
    disconnect.await.unwrap().unwrap();
    settle().await;
    assert!(held.iter().all(|task| !task.is_finished()));
    assert_eq!(world.token_requests(), 2);
    sink.behave(Behaviour::Takes);
    for task in held {
        // The account was disconnected meanwhile.
        assert!(task.await.unwrap().is_err());
    }
    assert_eq!(sink.take_names().await, ["refreshed"]);
}

/// Returns a process whose trail has room.
fn audited_elsewhere(world: &World) -> Accounts {
    audited(world, Arc::new(Sink::default()))
}

#[tokio::test(start_paused = true)]
async fn operations_begin_when_the_sink_takes_entries_again() {
    let world = World::amiqus();
    let (_accounts, account, sink) = strict(&world, patient());
    sink.behave(Behaviour::Hangs);
    adopt(&account, 1).await;
    let second = tokio::spawn({
        let account = account.clone();
        async move { account.adopt(TokenSet::new("access-second")).await }
    });
    tokio::time::sleep(MINUTE).await;
    assert!(!second.is_finished());
    sink.behave(Behaviour::Takes);
    second.await.unwrap().unwrap();
    assert_eq!(sink.take_names().await, ["adopted", "adopted"]);
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_waited_in_vain_did_nothing() {
    let world = World::amiqus();
    let (accounts, account, sink) = strict(&world, Options::default());
    login(&world.emulator, &account).await.unwrap();
    world.advance(HOUR * 2).await;
    settle().await;
    sink.behave(Behaviour::Fails);
    let other = accounts.account("amiqus", "other").unwrap();
    adopt(&other, 1).await;
    world.emulator.reset_counters();
    let tokens = || TokenSet::new("access-never");
    assert_err!(other.adopt(tokens()).await, Error::AuditFull);
    assert_err!(account.token().await, Error::AuditFull);
    assert_err!(account.refresh().await, Error::AuditFull);
    assert_err!(account.disconnect().await, Error::AuditFull);
    // No future waits here.
    assert_err!(account.connect(), Error::AuditFull);
    assert_eq!(world.token_requests(), 0);
    assert_eq!(other.token().await.unwrap().expose(), "access-0");
    sink.behave(Behaviour::Takes);
    tokio::time::sleep(MINUTE).await;
    account.token().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_answered_token_is_written_though_the_trail_is_full() {
    let world = World::amiqus();
    let (accounts, account, sink) = strict(&world, patient());
    login(&world.emulator, &account).await.unwrap();
    settle().await;
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let refresh = spawn_refresh(&account);
    gate.arrived(1).await;
    sink.behave(Behaviour::Fails);
    adopt(&accounts.account("amiqus", "other").unwrap(), 1).await;
    gate.release();
    assert_eq!(refresh.await.unwrap().unwrap().generation(), 2);
    assert_eq!(world.generation_elsewhere().await, 2);
    sink.behave(Behaviour::Takes);
    tokio::time::sleep(MINUTE).await;
    let names = sink.take_names().await;
    assert_eq!(names[names.len() - 2..], ["adopted", "refreshed"]);
}

#[tokio::test(start_paused = true)]
async fn a_fresh_token_is_served_though_the_trail_is_full() {
    let world = World::amiqus();
    let (accounts, account, sink) = strict(&world, patient());
    login(&world.emulator, &account).await.unwrap();
    settle().await;
    sink.behave(Behaviour::Hangs);
    adopt(&accounts.account("amiqus", "other").unwrap(), 1).await;
    assert_eq!(world.call_api(&account).await, 200);
    assert!(spawn_token(&account).await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_refresher_waits_for_the_trail() {
    let world = World::amiqus();
    let (accounts, account, sink) = strict(&world, Options::default());
    login(&world.emulator, &account).await.unwrap();
    settle().await;
    sink.behave(Behaviour::Fails);
    adopt(&accounts.account("amiqus", "other").unwrap(), 1).await;
    world.emulator.reset_counters();
    let shutdown = tokio::time::sleep(HOUR * 2);
    accounts.refresher().run(shutdown).await.unwrap();
    assert_eq!(world.token_requests(), 0);
    sink.behave(Behaviour::Takes);
    let shutdown = tokio::time::sleep(HOUR);
    accounts.refresher().run(shutdown).await.unwrap();
    assert!(world.token_requests() > 0);
}
