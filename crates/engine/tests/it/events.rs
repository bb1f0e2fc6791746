//! What events and the status of an account say about a failed refresh.

use futures_util::{FutureExt as _, StreamExt as _};
use serde_json::json;
use tokenkeeper_emulator::{Endpoint, Fault as EndpointFault};
use tokenkeeper_engine::{
    AccountHealth, Cause, Clock as _, EventKind, FailureClass, RefreshFailure, Status,
    protocol::TokenSet,
};

use crate::harness::{HOUR, World, connection, drain_events, seconds};

/// Returns the failure of an event.
fn failure_of(kind: &EventKind) -> Option<&RefreshFailure> {
    match kind {
        EventKind::RefreshFailed { failure, .. }
        | EventKind::ReauthorizationRequired { failure, .. }
        | EventKind::RefusedWithoutReason { failure, .. }
        | EventKind::Misconfigured { failure } => failure.as_ref(),
        _ => None,
    }
}

fn refused(code: &str) -> EndpointFault {
    EndpointFault::json(400, &json!({ "error": code }))
}

#[tokio::test(start_paused = true)]
async fn a_failure_comes_with_its_class_code_and_time() {
    use AccountHealth as Health;
    use FailureClass as Class;

    let invalid_grant = Cause::Refused(Some("invalid_grant".to_owned()));
    let cases = [
        (
            EndpointFault::TooManyRequestsBare,
            Class::Transient,
            None,
            Health::Expired,
            None,
        ),
        (
            EndpointFault::ServerError,
            Class::Ambiguous,
            Some("server_error"),
            Health::Expired,
            None,
        ),
        (
            refused("invalid_request"),
            Class::Unexplained,
            Some("invalid_request"),
            Health::Unexplained,
            None,
        ),
        (
            refused("your token is rt-1"),
            Class::Unexplained,
            Some("unlisted"),
            Health::Unexplained,
            None,
        ),
        (
            refused("invalid_client"),
            Class::Configuration,
            Some("invalid_client"),
            Health::Misconfigured,
            None,
        ),
        (
            refused("invalid_grant"),
            Class::Terminal,
            Some("invalid_grant"),
            Health::ReauthorizationRequired,
            Some(invalid_grant),
        ),
    ];
    for (fault, class, code, health, cause) in cases {
        let (world, account) = World::plain().expired().await;
        let other = world.account_elsewhere();
        let mut events = world.accounts.events();
        world.emulator.faults().always(Endpoint::Token, fault);
        let began = world.clock.wall();
        account.token().await.unwrap_err();
        let ended = world.clock.wall();

        let told = drain_events(&mut events);
        let told: Vec<_> = told.iter().filter_map(failure_of).collect();
        assert!(!told.is_empty(), "{class}");
        for failure in told {
            assert_eq!(failure.class, class);
            assert_eq!(failure.code.as_deref(), code);
            assert!(began <= failure.since && failure.since <= failure.at);
            assert!(failure.at <= ended, "{failure:?}");
        }
        // Another process reads the same in the store.
        for account in [&account, &other] {
            let status = connection(account).await;
            let failure = status.failure.expect("the status says why");
            assert_eq!((failure.class, failure.code.as_deref()), (class, code));
            assert!(began <= failure.at && failure.at <= ended);
            assert_eq!(status.health, health);
            assert_eq!(status.reauthorize, cause);
            match status.retry_at {
                Some(retry_at) => assert!(retry_at >= failure.at),
                None => assert_eq!(class, Class::Terminal),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_row_of_failures_keeps_its_beginning() {
    let (world, account) = World::plain().expired().await;
    world
        .emulator
        .faults()
        .always(Endpoint::Token, EndpointFault::TooManyRequestsBare);
    account.token().await.unwrap_err();
    let first = connection(&account).await.failure.unwrap();
    assert_eq!(first.since, first.at);

    world
        .emulator
        .faults()
        .always(Endpoint::Token, EndpointFault::ServerError);
    world.advance(HOUR).await;
    account.token().await.unwrap_err();
    let last = connection(&account).await.failure.unwrap();
    assert_eq!(last.since, first.since);
    assert!(last.at.duration_since(first.at).unwrap() >= HOUR);

    world.emulator.faults().clear_all();
    world.advance(HOUR).await;
    account.token().await.unwrap();
    let status = connection(&account).await;
    assert_eq!((status.failure, status.retry_at), (None, None));
    assert_eq!(status.health, AccountHealth::Healthy);
}

#[tokio::test(start_paused = true)]
async fn a_valid_token_whose_refresh_failed_is_failing() {
    let world = World::plain();
    let account = world.connect_account().await;
    world
        .emulator
        .faults()
        .always(Endpoint::Token, EndpointFault::TooManyRequestsBare);
    account.refresh().await.unwrap_err();
    assert_eq!(connection(&account).await.health, AccountHealth::Failing);
    world.advance(HOUR * 24).await;
    assert_eq!(connection(&account).await.health, AccountHealth::Expired);
}

#[tokio::test(start_paused = true)]
async fn an_expired_token_without_refresh_token_needs_a_login() {
    let world = World::plain();
    let account = world.account();
    assert_eq!(
        account.status().await.unwrap().health(),
        AccountHealth::NotConnected
    );
    let mut tokens = TokenSet::new("access-1");
    tokens.expires_at = Some(world.clock.wall() + seconds(60));
    account.adopt(tokens).await.unwrap();
    assert_eq!(
        account.status().await.unwrap().health(),
        AccountHealth::Healthy
    );
    world.advance(seconds(61)).await;
    let status = account.status().await.unwrap();
    assert_eq!(status.health(), AccountHealth::ReauthorizationRequired);
    account.disconnect().await.unwrap();
    let status = account.status().await.unwrap();
    assert!(matches!(status, Status::Disconnected { .. }));
    let ended = [
        AccountHealth::Disconnected,
        AccountHealth::RevocationPending,
    ];
    assert!(ended.contains(&status.health()));
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_never_reads_is_told_its_loss() {
    let world = World::plain();
    let account = world.account();
    let mut events = world.accounts.events();
    assert_eq!(events.missed(), 0);
    for number in 0..3000 {
        account
            .adopt(TokenSet::new(format!("access-{number}")))
            .await
            .unwrap();
    }
    let now = world.clock.wall();
    // However many there were, memory keeps 1024.
    for _ in 0..1024 {
        assert!(events.next().await.unwrap().at <= now);
    }
    tokio::task::yield_now().await;
    assert!(events.next().now_or_never().is_none());
    assert_eq!(events.missed(), 3000 - 1024);
}
