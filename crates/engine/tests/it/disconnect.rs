//! A disconnect writes a tombstone and revokes the tokens if the provider can.

use std::collections::HashSet;

use tokenkeeper_emulator::{Endpoint, Fault as EndpointFault};
use tokenkeeper_engine::{Confirmation, Error, EventKind, TokenSource};

use crate::harness::{
    HOUR, StoreFault, World, assert_err, call_api_with, credential, drain_events,
    is_revocation_pending, issue_tokens, login, seconds, settle, spawn_disconnect, spawn_login,
    spawn_refresh,
};

#[tokio::test(start_paused = true)]
async fn a_disconnect_leaves_a_tombstone_seen_by_all_processes() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    account.disconnect().await.unwrap();
    let record = world.store.record(&account.key()).await;
    assert!(record["state"]["ended"]["authorization"]["number"].is_u64());
    assert!(record["state"]["ended"].get("revoke").is_none(), "{record}");
    assert!(account.try_credential(true).is_none());
    for account in [account, world.account_elsewhere()] {
        assert_err!(account.token().await, Error::Disconnected { .. });
        assert!(!is_revocation_pending(&account).await);
    }
    assert_eq!(world.token_requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn i20_the_access_token_is_revoked_then_the_refresh_token() {
    let world = World::ioffice();
    let account = world.connect_account().await;
    let sent = credential(&account).await;
    let record = world.store.record(&account.key()).await;
    let tokens = &record["state"]["live"]["tokens"]["tokens"];
    account.disconnect().await.unwrap();
    let requests = world.revocation_requests();
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
    assert_eq!(call_api_with(&world.emulator, &sent).await, 401);
}

#[tokio::test(start_paused = true)]
async fn late_tokens_of_a_disconnected_account_are_revoked() {
    for world in [World::ioffice(), World::plain()] {
        let account = world.connect_account().await;
        let gate = world.emulator.faults().hold_answers(Endpoint::Token);
        let refresh = spawn_refresh(&account);
        gate.arrived(1).await;
        account.disconnect().await.unwrap();
        let before = world.revocation_requests().len();
        gate.release();
        assert_err!(refresh.await.unwrap(), Error::Disconnected { .. });
        settle().await;
        assert_eq!(
            world.revocation_requests().len(),
            before + 2,
            "the late tokens too"
        );
        assert_err!(account.token().await, Error::Disconnected { .. });
        assert!(!is_revocation_pending(&account).await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_concurrent_login_wins_over_a_disconnect() {
    let world = World::amiqus();
    let here = world.connect_account().await;
    let there = world.account_elsewhere();
    // `stale` knows only the old login.
    let stale = world.account_elsewhere();
    stale.token().await.unwrap();
    world.store.hold_next_put();
    let disconnect = spawn_disconnect(&stale);
    world.log_in_before_held_put(&there).await;
    assert_err!(disconnect.await.unwrap(), Error::Superseded { .. });
    assert_eq!(world.call_api(&there).await, 200);
    here.status().await.unwrap();
    assert_eq!(world.call_api(&here).await, 200);
}

#[tokio::test(start_paused = true)]
async fn a_failed_revocation_is_finished_by_another_process() {
    for broken in [EndpointFault::ServerError, EndpointFault::CutAfterBody] {
        let world = World::ioffice();
        let account = world.connect_account().await;
        let mut events = world.accounts.events();
        world.emulator.faults().always(Endpoint::Revoke, broken);
        account.disconnect().await.unwrap();
        let pending = EventKind::RevocationPending { refused: false };
        assert!(drain_events(&mut events).contains(&pending));
        assert!(is_revocation_pending(&account).await);
        let entry = world.store.entry(&account.key()).await.unwrap();
        assert!(entry.attention);
        let other = world.account_elsewhere();
        assert!(other.token().await.is_err());
        settle().await;
        assert!(is_revocation_pending(&other).await);
        world.emulator.faults().clear_all();
        world.emulator.reset_counters();
        world.advance(seconds(61)).await;
        assert!(other.token().await.is_err());
        settle().await;
        assert_eq!(world.emulator.counters().revocations, 2);
        assert!(!is_revocation_pending(&other).await);
        assert!(!world.store.entry(&account.key()).await.unwrap().attention);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_revocation_holds_up_no_other() {
    let world = World::plain_with_separate_revocation();
    let refused = EndpointFault::status(400);
    world.emulator.faults().always(Endpoint::Revoke, refused);
    let account = world.connect_account().await;
    account.disconnect().await.unwrap();
    login(&world.emulator, &account).await.unwrap();
    account.disconnect().await.unwrap();
    for _ in 0..4 {
        world.advance(seconds(3600)).await;
        assert!(account.token().await.is_err());
        settle().await;
    }
    let sent = world.revocation_requests().into_iter();
    let tokens: HashSet<_> = sent.map(http::Request::into_body).collect();
    assert_eq!(tokens.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_login_first_finishes_a_pending_revocation() {
    let world = World::ioffice();
    let account = world.connect_account().await;
    world
        .emulator
        .faults()
        .always(Endpoint::Revoke, EndpointFault::ServerError);
    account.disconnect().await.unwrap();
    let (flow, redirect) = world.approved_login().await;
    let finish = || {
        let (flow, redirect) = (flow.clone(), redirect.clone());
        let confirmation = Confirmation::ByPerson;
        world
            .accounts
            .finish_confirmed(flow, redirect, confirmation)
    };
    let early = finish().await;
    assert!(
        matches!(early, Err(Error::RevocationPending { .. })),
        "{early:?}"
    );
    assert_eq!(world.token_requests(), 0, "the code was not sent");
    world.emulator.faults().clear_all();
    world.emulator.reset_counters();
    // The flow is still valid, since its code was never sent.
    finish().await.unwrap();
    assert_eq!(world.emulator.counters().revocations, 2);
    assert_eq!(world.call_api(&account).await, 200);
}

#[tokio::test(start_paused = true)]
async fn tokens_that_were_not_written_yet_can_be_disconnected() {
    let world = World::amiqus();
    let account = world.account();
    world.store.fail_after(1, usize::MAX, StoreFault::Refuse);
    let adopting = tokio::spawn({
        let (account, tokens) = (account.clone(), issue_tokens(&world.emulator));
        async move { account.adopt(tokens).await }
    });
    tokio::time::sleep(seconds(2)).await;
    assert_eq!(world.call_api(&account).await, 200, "served from memory");
    world.store.recover();
    account.disconnect().await.unwrap();
    let _ = adopting.await.unwrap();
    world.advance(HOUR).await;
    assert_err!(account.token().await, Error::Disconnected { .. });
}

#[tokio::test(start_paused = true)]
async fn a_disconnect_takes_effect_before_its_revocation() {
    let world = World::ioffice();
    let account = world.connect_account().await;
    let mut events = world.accounts.events();
    assert_eq!(world.call_api(&account).await, 200);
    let gate = world.emulator.faults().hold(Endpoint::Revoke);
    let disconnect = spawn_disconnect(&account);
    gate.arrived(1).await;
    assert!(account.try_credential(true).is_none());
    assert_err!(account.token().await, Error::Disconnected { .. });
    gate.release();
    disconnect.await.unwrap().unwrap();
    assert_eq!(drain_events(&mut events), [EventKind::Disconnected]);
}

#[tokio::test(start_paused = true)]
async fn a_login_that_finishes_a_revocation_serves_no_old_token() {
    let world = World::ioffice_without_notifications();
    let (here, there) = world.connect_in_two_processes().await;
    let faults = world.emulator.faults();
    faults.always(Endpoint::Revoke, EndpointFault::ServerError);
    here.disconnect().await.unwrap();
    faults.clear_all();
    let gate = faults.hold(Endpoint::Revoke);
    let connect = spawn_login(&world, &there);
    gate.arrived(1).await;
    assert!(there.try_credential(true).is_none());
    gate.release();
    connect.await.unwrap().unwrap();
    assert_eq!(world.call_api(&there).await, 200);
}

#[tokio::test(start_paused = true)]
async fn late_tokens_meet_a_tombstone_that_cannot_be_written() {
    let world = World::ioffice_without_notifications();
    let (account, other) = world.connect_in_two_processes().await;
    let gate = world.emulator.faults().hold_answers(Endpoint::Token);
    let refresh = spawn_refresh(&account);
    gate.arrived(1).await;
    other.disconnect().await.unwrap();
    // The first write fails, so the tokens are served. The second write meets the tombstone, and
    // all others fail.
    world.store.fail(1, StoreFault::Refuse);
    gate.release();
    refresh.await.unwrap().unwrap();
    assert!(account.try_credential(true).is_some());
    world.store.fail_after(1, usize::MAX, StoreFault::Refuse);
    world.advance(seconds(1)).await;
    settle().await;
    assert!(account.try_credential(true).is_none());
    assert_err!(account.token().await, Error::Disconnected { .. });
    world.emulator.reset_counters();
    world.store.recover();
    world.advance(seconds(20)).await;
    settle().await;
    assert!(!is_revocation_pending(&account).await);
    assert_eq!(world.emulator.counters().revocations, 2, "the late tokens");
}

#[tokio::test(start_paused = true)]
async fn a_comparison_meets_a_tombstone_that_cannot_be_written() {
    let world = World::ioffice_without_notifications();
    let (account, other) = world.connect_in_two_processes().await;
    // `other` disconnects an older generation than the one that `account` has.
    account.refresh().await.unwrap();
    world.store.roll_back(&account.key(), 2).await;
    other.disconnect().await.unwrap();
    let mut events = world.accounts.events();
    // The tombstone is read, and the tokens unknown to it cannot be written.
    world.store.fail_after(1, usize::MAX, StoreFault::Refuse);
    assert!(account.status().await.is_err());
    assert!(account.try_credential(true).is_none());
    world.store.recover();
    assert!(is_revocation_pending(&account).await);
    settle().await;
    assert!(!is_revocation_pending(&account).await);
    let seen = drain_events(&mut events).into_iter();
    let reported = seen.filter(|kind| *kind == EventKind::Disconnected);
    assert_eq!(reported.count(), 1);
}
