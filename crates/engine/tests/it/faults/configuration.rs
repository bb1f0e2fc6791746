//! Token endpoints that refuse the client.

use tokenkeeper_emulator::{DEFAULT_CLIENT_ID, Endpoint, Fault as EndpointFault};
use tokenkeeper_engine::{Account, Error};
use tokio::time::{Duration, Instant};

use super::{assert_fails_for, is_configuration, refusal, until_token};
use crate::harness::{HOUR, MINUTE, World, assert_err, connection, seconds, settle};

const CODES: [&str; 2] = ["invalid_client", "unauthorized_client"];

async fn refused_once(code: &str) -> (World, Account) {
    let (world, account) = World::amiqus().expired().await;
    let faults = world.emulator.faults();
    faults.once(Endpoint::Token, refusal(401, code));
    assert_err!(account.token().await, Error::Configuration { .. });
    assert!(connection(&account).await.misconfigured);
    (world, account)
}

#[tokio::test(start_paused = true)]
async fn a_temporary_refusal_of_the_client_is_retried() {
    for code in CODES {
        for restarted in [false, true] {
            let (world, mut account) = refused_once(code).await;
            if restarted {
                account = world.account_elsewhere();
            }
            until_token(&account, seconds(10), HOUR).await;
            assert_eq!(world.call_api(&account).await, 200);
            assert!(!connection(&account).await.misconfigured);
            assert_eq!(world.token_requests(), 2);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_explicit_refresh_retries_a_refused_client_at_once() {
    for code in CODES {
        let (world, account) = refused_once(code).await;
        let started = Instant::now();
        account.refresh().await.unwrap();
        assert!(started.elapsed() < seconds(1));
        assert_eq!(world.call_api(&account).await, 200);
        assert_eq!(world.token_requests(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_client_is_retried_at_most_hourly() {
    let (world, account) = World::amiqus().expired().await;
    let faults = world.emulator.faults();
    faults.always(Endpoint::Token, refusal(401, "invalid_client"));
    assert_fails_for(&account, 24 * HOUR, MINUTE, is_configuration).await;
    let requests = world.token_requests();
    assert!((24..150).contains(&requests), "{requests}");
    assert!(connection(&account).await.misconfigured);
}

#[tokio::test(start_paused = true)]
async fn two_wrong_configurations_share_a_backoff() {
    let world = World::amiqus();
    world.connect_account().await;
    let changed = world.emulator.change_secret(DEFAULT_CLIENT_ID, "right");
    assert!(changed);
    let processes =
        ["wrong", "also wrong"].map(|secret| world.account_of(&world.process_with_secret(secret)));
    world.advance(HOUR).await;
    for _ in 0..40 {
        for account in &processes {
            match account.token().await.unwrap_err() {
                Error::Configuration { .. } | Error::Unavailable { .. } => {}
                error => panic!("{error:?}"),
            }
        }
        world.advance(Duration::from_millis(10)).await;
        settle().await;
    }
    let requests = world.token_requests();
    assert!((1..=10).contains(&requests), "{requests}");
    // Time is advanced by hand, since paused time does not advance while processes wake each other.
    for _ in 0..600 {
        world.advance(seconds(1)).await;
        settle().await;
        assert_eq!(world.token_requests(), requests, "no request was sent");
    }
    let right = world.account_of(&world.process_with_secret("right"));
    assert_eq!(world.call_api(&right).await, 200);
    assert_eq!(world.token_requests(), requests + 1);
}

#[tokio::test(start_paused = true)]
async fn a_notification_starts_no_refresh() {
    let world = World::amiqus();
    let here = world.connect_account().await;
    let there = world.account_elsewhere();
    world.advance(HOUR - seconds(2)).await;
    there.token().await.unwrap();
    world.advance(seconds(2)).await;
    let faults = world.emulator.faults();
    faults.always(Endpoint::Token, EndpointFault::HtmlServerError);
    here.token().await.unwrap_err();
    let requests = world.token_requests();
    for _ in 0..600 {
        world.advance(seconds(1)).await;
        settle().await;
        assert_eq!(world.token_requests(), requests, "no request was sent");
    }
}
