//! Logins that a newer login replaces.

use tokenkeeper_emulator::{Endpoint, Fault as EndpointFault};

use crate::harness::{MINUTE, World, connection, issue_tokens, login, settle, spawn_refresh};

/// Replaces a login by a newer one, and returns the refresh token of the first.
async fn replaced(world: &World) -> String {
    let first = issue_tokens(&world.emulator);
    let refresh_token = first.refresh_token.clone().unwrap();
    let account = world.account();
    account.adopt(first).await.unwrap();
    assert!(world.is_valid(refresh_token.expose()).await);
    login(&world.emulator, &account).await.unwrap();
    settle().await;
    refresh_token.expose().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_second_login_revokes_the_first() {
    let world = World::plain_with_separate_revocation();
    let first = replaced(&world).await;
    let account = world.account();
    assert!(!world.is_valid(&first).await);
    assert_eq!(world.call_api(&account).await, 200);
    assert!(!connection(&account).await.revocation_pending);
    let second = account.token().await.unwrap();
    account.disconnect().await.unwrap();
    assert!(!world.is_valid(&first).await);
    assert!(!world.is_valid(second.expose()).await);
}

#[tokio::test(start_paused = true)]
async fn a_second_login_revokes_nothing_shared() {
    // This provider's revocation may reach other logins.
    let world = World::plain();
    replaced(&world).await;
    assert_eq!(world.revocation_requests().len(), 0);
    assert_eq!(world.call_api(&world.account()).await, 200);
}

#[tokio::test(start_paused = true)]
async fn a_failed_revocation_of_the_first_login_stays_pending() {
    let world = World::plain_with_separate_revocation();
    let faults = world.emulator.faults();
    faults.always(Endpoint::Revoke, EndpointFault::HtmlServerError);
    let first = replaced(&world).await;
    let account = world.account();
    assert!(connection(&account).await.revocation_pending);
    assert_eq!(world.call_api(&account).await, 200);
    faults.clear_all();
    for _ in 0..60 {
        tokio::time::sleep(MINUTE).await;
        let _ = account.token().await;
    }
    assert!(!world.is_valid(&first).await);
    assert!(!connection(&account).await.revocation_pending);
    assert_eq!(world.call_api(&account).await, 200);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_superseded_by_a_login_is_revoked() {
    let world = World::plain_with_separate_revocation();
    let account = world.connect_account().await;
    let first = account.token().await.unwrap();
    let faults = world.emulator.faults();
    faults.always(Endpoint::Revoke, EndpointFault::HtmlServerError);
    let gate = faults.hold_answers(Endpoint::Token);
    let refresh = spawn_refresh(&account);
    gate.arrived(1).await;
    account.adopt(issue_tokens(&world.emulator)).await.unwrap();
    gate.release();
    let _ = refresh.await.unwrap();
    settle().await;
    assert!(connection(&account).await.revocation_pending);
    assert!(world.is_valid(first.expose()).await);
    faults.clear_all();
    for _ in 0..50 {
        tokio::time::sleep(MINUTE).await;
        let _ = account.token().await;
        if !connection(&account).await.revocation_pending {
            break;
        }
    }
    // A revoked refresh token invalidates all tokens of its grant.
    assert!(!world.is_valid(first.expose()).await);
    assert_eq!(world.call_api(&account).await, 200);
}
