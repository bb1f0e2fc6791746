//! Logins that a newer login replaces.

use tokenkeeper_emulator::{Endpoint, Fault as Broken};

use super::{MINUTE, connection};
use crate::harness::{World, issued, login, settle};

/// The refresh token of a login that a newer one has replaced.
async fn replaced(world: &World) -> String {
    let first = issued(&world.emulator);
    let refresh_token = first.refresh_token.clone().unwrap();
    let account = world.account();
    account.adopt(first).await.unwrap();
    assert!(world.is_live(refresh_token.expose()).await);
    login(&world.emulator, &account).await.unwrap();
    settle().await;
    refresh_token.expose().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_second_login_revokes_the_first() {
    let world = World::plain_revoking_alone();
    let first = replaced(&world).await;
    let account = world.account();
    assert!(!world.is_live(&first).await);
    assert_eq!(world.call(&account).await, 200);
    assert!(!connection(&account).await.revocation_pending);
    let second = account.token().await.unwrap();
    account.disconnect().await.unwrap();
    assert!(!world.is_live(&first).await);
    assert!(!world.is_live(second.expose()).await);
}

#[tokio::test(start_paused = true)]
async fn a_second_login_revokes_nothing_that_it_shares() {
    // How far a revocation reaches is not known here.
    let world = World::plain();
    replaced(&world).await;
    assert_eq!(world.revocations(), 0);
    assert_eq!(world.call(&world.account()).await, 200);
}

#[tokio::test(start_paused = true)]
async fn a_failed_revocation_of_the_first_login_stays_pending() {
    let world = World::plain_revoking_alone();
    let faults = world.emulator.faults();
    faults.always(Endpoint::Revoke, Broken::HtmlServerError);
    let first = replaced(&world).await;
    let account = world.account();
    assert!(connection(&account).await.revocation_pending);
    assert_eq!(world.call(&account).await, 200);
    faults.clear_all();
    for _ in 0..60 {
        tokio::time::sleep(MINUTE).await;
        let _ = account.token().await;
    }
    assert!(!world.is_live(&first).await);
    assert!(!connection(&account).await.revocation_pending);
    assert_eq!(world.call(&account).await, 200);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_a_login_overtakes_leaves_nothing_alive() {
    let world = World::plain_revoking_alone();
    let account = world.connected().await;
    let first = account.token().await.unwrap();
    let faults = world.emulator.faults();
    faults.always(Endpoint::Revoke, Broken::HtmlServerError);
    let gate = faults.hold_answers(Endpoint::Token);
    let refresh = tokio::spawn({
        let account = account.clone();
        async move { account.refresh().await }
    });
    gate.arrived(1).await;
    account.adopt(issued(&world.emulator)).await.unwrap();
    gate.release();
    let _ = refresh.await.unwrap();
    settle().await;
    assert!(connection(&account).await.revocation_pending);
    assert!(world.is_live(first.expose()).await);
    faults.clear_all();
    for _ in 0..50 {
        tokio::time::sleep(MINUTE).await;
        let _ = account.token().await;
        if !connection(&account).await.revocation_pending {
            break;
        }
    }
    // A revoked refresh token takes all tokens of its grant with it.
    assert!(!world.is_live(first.expose()).await);
    assert_eq!(world.call(&account).await, 200);
}
