//! Tokens that a newer login supersedes are revoked, if that does not end the newer login too.

use tokenkeeper_emulator::{Endpoint, Gate};
use tokenkeeper_engine::{Account, Credential, Error};

use crate::harness::{
    World, assert_err, call_api_with, credential, spawn_disconnect, spawn_login, spawn_refresh,
};

/// Logs in while `stale` is about to write its tombstone. Returns the credential that `stale` had.
async fn disconnect_overtaken_by_a_login(world: &World) -> Credential {
    world.connect_account().await;
    let (there, stale) = (world.account_elsewhere(), world.account_elsewhere());
    let known = credential(&stale).await;
    world.store.hold_next_put();
    let disconnect = spawn_disconnect(&stale);
    world.log_in_before_held_put(&there).await;
    assert_err!(disconnect.await.unwrap(), Error::Superseded { .. });
    assert_eq!(world.call_api(&there).await, 200, "the new login wins");
    known
}

#[tokio::test(start_paused = true)]
async fn a_superseded_disconnect_revokes_only_its_own_login() {
    let world = World::plain_with_separate_revocation();
    let known = disconnect_overtaken_by_a_login(&world).await;
    assert_eq!(call_api_with(&world.emulator, &known).await, 401);
    for world in [World::plain(), World::ioffice()] {
        disconnect_overtaken_by_a_login(&world).await;
        assert_eq!(world.emulator.counters().revocations, 0);
    }
}

/// Logs in to `account` while the tokens of a held answer are about to be written.
async fn log_in_while_tokens_are_written(world: &World, gate: Gate, account: &Account) {
    gate.arrived(1).await;
    world.store.hold_next_put();
    gate.release();
    world.log_in_before_held_put(account).await;
}

/// Checks that all processes serve the new login, and returns the number of revocations.
async fn revocations(world: &World, accounts: [Account; 2]) -> u64 {
    for account in accounts {
        assert_eq!(world.call_api(&account).await, 200);
    }
    world.emulator.counters().revocations
}

/// Logs in while the tokens of a refresh are about to be written. Returns the number of
/// revocations.
async fn refresh_overtaken_by_a_login(world: &World) -> u64 {
    let here = world.connect_account().await;
    let there = world.account_elsewhere();
    let gate = world.emulator.faults().hold_answers(Endpoint::Token);
    let refresh = spawn_refresh(&here);
    log_in_while_tokens_are_written(world, gate, &there).await;
    refresh.await.unwrap().unwrap();
    revocations(world, [here, there]).await
}

/// Logs in while the tokens of an older login are about to be written. Returns the number of
/// revocations.
async fn exchange_overtaken_by_a_login(world: &World) -> u64 {
    let (here, there) = (world.account(), world.account_elsewhere());
    let gate = world.emulator.faults().hold_answers(Endpoint::Token);
    let late = spawn_login(world, &here);
    log_in_while_tokens_are_written(world, gate, &there).await;
    assert_err!(late.await.unwrap(), Error::Superseded { .. });
    revocations(world, [here, there]).await
}

#[tokio::test(start_paused = true)]
async fn superseded_tokens_are_revoked_if_that_ends_no_login() {
    let alone = World::plain_with_separate_revocation;
    // The pair that the newer login replaced, and the late pair.
    assert_eq!(refresh_overtaken_by_a_login(&alone()).await, 4);
    assert_eq!(exchange_overtaken_by_a_login(&alone()).await, 2);
    for world in [World::plain, World::ioffice] {
        assert_eq!(refresh_overtaken_by_a_login(&world()).await, 0);
        assert_eq!(exchange_overtaken_by_a_login(&world()).await, 0);
    }
}
