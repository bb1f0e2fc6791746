//! what a newer login overtakes is revoked where that does not end the newer one too.

use tokenkeeper_emulator::Endpoint;
use tokenkeeper_engine::{Credential, Error, TokenSource};

use crate::harness::{World, call_with, login, settle};

/// A newer login comes while `stale` is about to write its tombstone. Returns what `stale` knew.
async fn disconnect_overtaken_by_a_login(world: &World) -> Credential {
    world.connected().await;
    let (there, stale) = (world.elsewhere(), world.elsewhere());
    let known = TokenSource::credential(&stale, true).await.unwrap();
    world.store.hold_next_put();
    let disconnect = tokio::spawn(async move { stale.disconnect().await });
    settle().await;
    login(&world.emulator, &there).await.unwrap();
    world.store.let_go();
    let error = disconnect.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Superseded { .. }), "{error:?}");
    assert_eq!(world.call(&there).await, 200, "the new login stands");
    known
}

#[tokio::test(start_paused = true)]
async fn a_disconnect_that_meets_a_newer_login_revokes_what_it_knew_where_that_reaches_nothing_else()
 {
    let world = World::plain_revoking_alone();
    let known = disconnect_overtaken_by_a_login(&world).await;
    assert_eq!(call_with(&world.emulator, &known).await, 401);
    for world in [World::plain(), World::ioffice()] {
        disconnect_overtaken_by_a_login(&world).await;
        assert_eq!(world.emulator.counters().revocations, 0);
    }
}

/// A newer login comes while an older one's new tokens are about to be written. Says how much is
/// revoked.
async fn refresh_overtaken_by_a_login(world: &World) -> u64 {
    let here = world.connected().await;
    let there = world.elsewhere();
    let gate = world.emulator.faults().hold_answers(Endpoint::Token);
    let refresh = tokio::spawn({
        let here = here.clone();
        async move { here.refresh().await }
    });
    gate.arrived(1).await;
    world.store.hold_next_put();
    gate.release();
    settle().await;
    login(&world.emulator, &there).await.unwrap();
    world.store.let_go();
    refresh.await.unwrap().unwrap();
    for account in [here, there] {
        assert_eq!(world.call(&account).await, 200, "by the new login");
    }
    world.emulator.counters().revocations
}

/// A newer login comes while the first tokens of an older one are about to be written. Says how
/// much is revoked.
async fn exchange_overtaken_by_a_login(world: &World) -> u64 {
    let (here, there) = (world.account(), world.elsewhere());
    let gate = world.emulator.faults().hold_answers(Endpoint::Token);
    let late = tokio::spawn({
        let (emulator, here) = (world.emulator.clone(), here.clone());
        async move { login(&emulator, &here).await }
    });
    gate.arrived(1).await;
    world.store.hold_next_put();
    gate.release();
    settle().await;
    login(&world.emulator, &there).await.unwrap();
    world.store.let_go();
    let error = late.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Superseded { .. }), "{error:?}");
    for account in [here, there] {
        assert_eq!(world.call(&account).await, 200, "by the new login");
    }
    world.emulator.counters().revocations
}

#[tokio::test(start_paused = true)]
async fn what_comes_too_late_for_a_newer_login_is_revoked_only_where_that_reaches_nothing_else() {
    let alone = World::plain_revoking_alone;
    // The pair that the newer login replaced, and the pair that came too late.
    assert_eq!(refresh_overtaken_by_a_login(&alone()).await, 4);
    assert_eq!(exchange_overtaken_by_a_login(&alone()).await, 2);
    for world in [World::plain, World::ioffice] {
        assert_eq!(refresh_overtaken_by_a_login(&world()).await, 0);
        assert_eq!(exchange_overtaken_by_a_login(&world()).await, 0);
    }
}
