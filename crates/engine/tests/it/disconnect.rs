//! a disconnect writes a tombstone, and revokes where the provider can.

use std::time::Duration;

use tokenkeeper_emulator::{Endpoint, Fault as Broken};
use tokenkeeper_engine::{Error, EventKind, Status, TokenSource};

use crate::harness::{Fault, HOUR, World, call_with, drain, login, settle};

fn pending(status: &Status) -> bool {
    match status {
        Status::Disconnected { revocation_pending } => *revocation_pending,
        other => panic!("{other:?}"),
    }
}

/// What the revocation endpoint was sent, in order.
fn revoked(world: &World) -> Vec<http::Request<bytes::Bytes>> {
    let requests = world.emulator.recorded_requests().into_iter();
    requests
        .filter(|request| request.uri().path().ends_with("/revoke"))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_disconnect_leaves_a_tombstone_and_is_refused_everywhere() {
    let world = World::amiqus();
    let account = world.connected().await;
    account.disconnect().await.unwrap();
    let record = world.store.record(&account.key()).await;
    assert!(record["state"]["ended"]["authorization"]["number"].is_u64());
    assert!(record["state"]["ended"].get("revoke").is_none(), "{record}");
    assert!(account.try_credential(true).is_none());
    for account in [account, world.elsewhere()] {
        let error = account.token().await.unwrap_err();
        assert!(matches!(error, Error::Disconnected { .. }), "{error:?}");
        assert!(!pending(&account.status().await.unwrap()));
    }
    assert_eq!(world.token_requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn i20_the_access_token_is_revoked_then_the_refresh_token() {
    let world = World::ioffice();
    let account = world.connected().await;
    let sent = TokenSource::credential(&account, true).await.unwrap();
    let record = world.store.record(&account.key()).await;
    let tokens = &record["state"]["live"]["tokens"]["tokens"];
    account.disconnect().await.unwrap();
    let requests = revoked(&world);
    let of = |i: usize| requests[i].headers()["x-token"].to_str().unwrap();
    assert_eq!(requests.len(), 2);
    assert_eq!(of(0), tokens["access_token"]);
    assert_eq!(of(1), tokens["refresh_token"]);
    for request in &requests {
        let own = request
            .headers()
            .keys()
            .filter(|name| name.as_str().starts_with("x-"));
        assert_eq!(own.count(), 1, "only x-token");
        assert!(request.body().is_empty());
    }
    assert_eq!(call_with(&world.emulator, &sent).await, 401);
}

#[tokio::test(start_paused = true)]
async fn late_tokens_of_a_refresh_under_way_are_revoked_and_the_account_stays_refused() {
    for world in [World::ioffice(), World::plain()] {
        let account = world.connected().await;
        let gate = world.emulator.faults().hold_answers(Endpoint::Token);
        let refresh = tokio::spawn({
            let account = account.clone();
            async move { account.refresh().await }
        });
        gate.arrived(1).await;
        account.disconnect().await.unwrap();
        let before = revoked(&world).len();
        gate.release();
        let error = refresh.await.unwrap().unwrap_err();
        assert!(matches!(error, Error::Disconnected { .. }), "{error:?}");
        settle().await;
        assert_eq!(revoked(&world).len(), before + 2, "the late tokens too");
        let error = account.token().await.unwrap_err();
        assert!(matches!(error, Error::Disconnected { .. }), "{error:?}");
        assert!(!pending(&account.status().await.unwrap()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_that_comes_between_wins_over_the_disconnect() {
    let world = World::amiqus();
    let here = world.connected().await;
    let there = world.elsewhere();
    // `here` still knows the old login only.
    let stale = world.elsewhere();
    stale.token().await.unwrap();
    world.store.hold_next_put();
    let disconnect = tokio::spawn(async move { stale.disconnect().await });
    settle().await;
    login(&world.emulator, &there).await.unwrap();
    world.store.let_go();
    let error = disconnect.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Superseded { .. }), "{error:?}");
    assert_eq!(world.call(&there).await, 200);
    here.status().await.unwrap();
    assert_eq!(world.call(&here).await, 200);
}

#[tokio::test(start_paused = true)]
async fn a_revocation_that_fails_is_kept_sealed_and_finished_by_whoever_sees_it() {
    for broken in [Broken::ServerError, Broken::CutAfterBody] {
        let world = World::ioffice();
        let account = world.connected().await;
        let mut events = world.accounts.events();
        world.emulator.faults().always(Endpoint::Revoke, broken);
        account.disconnect().await.unwrap();
        assert!(drain(&mut events).contains(&EventKind::RevocationPending));
        assert!(pending(&account.status().await.unwrap()));
        let entry = world.store.entry(&account.key()).await.unwrap();
        assert!(entry.attention);
        let other = world.elsewhere();
        assert!(other.token().await.is_err());
        settle().await;
        assert!(pending(&other.status().await.unwrap()));
        world.emulator.faults().clear_all();
        world.emulator.reset_counters();
        world.pass(Duration::from_secs(61)).await;
        assert!(other.token().await.is_err());
        settle().await;
        assert_eq!(world.emulator.counters().revocations, 2);
        assert!(!pending(&other.status().await.unwrap()));
        assert!(!world.store.entry(&account.key()).await.unwrap().attention);
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_first_finishes_a_pending_revocation() {
    let world = World::ioffice();
    let account = world.connected().await;
    world
        .emulator
        .faults()
        .always(Endpoint::Revoke, Broken::ServerError);
    account.disconnect().await.unwrap();
    let start = account.connect().unwrap();
    let redirect = crate::harness::approve(&world.emulator, start.url.as_str()).await;
    let early = world
        .accounts
        .finish(start.flow.clone(), redirect.clone())
        .await;
    assert!(
        matches!(early, Err(Error::RevocationPending { .. })),
        "{early:?}"
    );
    assert_eq!(world.token_requests(), 0, "the code was not sent");
    world.emulator.faults().clear_all();
    world.emulator.reset_counters();
    // The flow is still good: its code never left.
    world.accounts.finish(start.flow, redirect).await.unwrap();
    assert_eq!(world.emulator.counters().revocations, 2);
    assert_eq!(world.call(&account).await, 200);
}

#[tokio::test(start_paused = true)]
async fn tokens_that_were_not_written_yet_can_be_disconnected() {
    let world = World::amiqus();
    let account = world.account();
    world.store.fail_after(1, usize::MAX, Fault::Refuse);
    let adopting = tokio::spawn({
        let (account, tokens) = (account.clone(), crate::harness::issued(&world.emulator));
        async move { account.adopt(tokens).await }
    });
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(world.call(&account).await, 200, "served from memory");
    world.store.recover();
    account.disconnect().await.unwrap();
    let _ = adopting.await.unwrap();
    world.pass(HOUR).await;
    let error = account.token().await.unwrap_err();
    assert!(matches!(error, Error::Disconnected { .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn who_disconnects_refuses_at_once_however_long_the_revocation_takes() {
    let world = World::ioffice();
    let account = world.connected().await;
    let mut events = world.accounts.events();
    assert_eq!(world.call(&account).await, 200);
    let gate = world.emulator.faults().hold(Endpoint::Revoke);
    let disconnect = tokio::spawn({
        let account = account.clone();
        async move { account.disconnect().await }
    });
    gate.arrived(1).await;
    assert!(account.try_credential(true).is_none());
    let error = account.token().await.unwrap_err();
    assert!(matches!(error, Error::Disconnected { .. }), "{error:?}");
    gate.release();
    disconnect.await.unwrap().unwrap();
    assert_eq!(drain(&mut events), [EventKind::Disconnected]);
}

#[tokio::test(start_paused = true)]
async fn a_login_that_finishes_a_revocation_refuses_the_old_tokens_meanwhile() {
    let world = World::ioffice_mute();
    let here = world.connected().await;
    let there = world.elsewhere();
    there.token().await.unwrap();
    let faults = world.emulator.faults();
    faults.always(Endpoint::Revoke, Broken::ServerError);
    here.disconnect().await.unwrap();
    faults.clear_all();
    let gate = faults.hold(Endpoint::Revoke);
    let connect = tokio::spawn({
        let (emulator, there) = (world.emulator.clone(), there.clone());
        async move { login(&emulator, &there).await }
    });
    gate.arrived(1).await;
    assert!(there.try_credential(true).is_none());
    gate.release();
    connect.await.unwrap().unwrap();
    assert_eq!(world.call(&there).await, 200);
}

#[tokio::test(start_paused = true)]
async fn late_tokens_that_meet_a_tombstone_the_store_does_not_take_are_refused() {
    let world = World::ioffice_mute();
    let account = world.connected().await;
    let other = world.elsewhere();
    other.token().await.unwrap();
    let gate = world.emulator.faults().hold_answers(Endpoint::Token);
    let refresh = tokio::spawn({
        let account = account.clone();
        async move { account.refresh().await }
    });
    gate.arrived(1).await;
    other.disconnect().await.unwrap();
    // The first write fails, and the tokens are served; the second meets the tombstone; all others
    // fail.
    world.store.fail(1, Fault::Refuse);
    gate.release();
    refresh.await.unwrap().unwrap();
    assert!(account.try_credential(true).is_some());
    world.store.fail_after(1, usize::MAX, Fault::Refuse);
    world.pass(Duration::from_secs(1)).await;
    settle().await;
    assert!(account.try_credential(true).is_none());
    let error = account.token().await.unwrap_err();
    assert!(matches!(error, Error::Disconnected { .. }), "{error:?}");
    world.emulator.reset_counters();
    world.store.recover();
    world.pass(Duration::from_secs(20)).await;
    settle().await;
    assert!(!pending(&account.status().await.unwrap()));
    assert_eq!(world.emulator.counters().revocations, 2, "the late tokens");
}

#[tokio::test(start_paused = true)]
async fn a_comparison_that_meets_a_tombstone_the_store_does_not_take_refuses_too() {
    let world = World::ioffice_mute();
    let account = world.connected().await;
    let other = world.elsewhere();
    other.token().await.unwrap();
    // `other` ends an older generation than `account` has.
    account.refresh().await.unwrap();
    world.store.go_back(&account.key(), 2).await;
    other.disconnect().await.unwrap();
    let mut events = world.accounts.events();
    // The tombstone is read, and what it does not know cannot be written.
    world.store.fail_after(1, usize::MAX, Fault::Refuse);
    assert!(account.status().await.is_err());
    assert!(account.try_credential(true).is_none());
    world.store.recover();
    assert!(pending(&account.status().await.unwrap()));
    settle().await;
    assert!(!pending(&account.status().await.unwrap()));
    let seen = drain(&mut events).into_iter();
    let told = seen.filter(|kind| *kind == EventKind::Disconnected);
    assert_eq!(told.count(), 1);
}
