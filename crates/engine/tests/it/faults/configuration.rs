//! Token endpoints that refuse the client.

use tokenkeeper_emulator::{DEFAULT_CLIENT_ID, Endpoint, Fault as Broken};
use tokenkeeper_engine::{Account, Error};
use tokenkeeper_provider_amiqus::Amiqus;
use tokio::time::{Duration, Instant, sleep};

use super::{MINUTE, connection, refusal, seconds, until_token};
use crate::harness::{BASE, HOUR, World, registration, settle};

const CODES: [&str; 2] = ["invalid_client", "unauthorized_client"];

/// A process with another client secret.
fn with_secret(world: &World, secret: &str) -> Account {
    let provider = Amiqus::new(registration().secret(secret)).unwrap();
    let provider = provider.base(BASE).unwrap();
    world.account_of(&world.builder_for(provider).build().unwrap())
}

async fn refused_once(code: &str) -> (World, Account) {
    let world = World::amiqus();
    let account = world.connected().await;
    world.pass(HOUR).await;
    let faults = world.emulator.faults();
    faults.once(Endpoint::Token, refusal(401, code));
    let error = account.token().await.unwrap_err();
    assert!(matches!(error, Error::Configuration { .. }), "{error:?}");
    assert!(connection(&account).await.misconfigured);
    (world, account)
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_the_client_that_passes_is_retried() {
    for code in CODES {
        for restarted in [false, true] {
            let (world, mut account) = refused_once(code).await;
            if restarted {
                account = world.elsewhere();
            }
            until_token(&account, seconds(10), HOUR).await;
            assert_eq!(world.call(&account).await, 200);
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
        assert_eq!(world.call(&account).await, 200);
        assert_eq!(world.token_requests(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_client_is_retried_at_most_hourly() {
    let world = World::amiqus();
    let account = world.connected().await;
    world.pass(HOUR).await;
    let faults = world.emulator.faults();
    faults.always(Endpoint::Token, refusal(401, "invalid_client"));
    let started = Instant::now();
    while started.elapsed() < 24 * HOUR {
        let error = account.token().await.unwrap_err();
        assert!(matches!(error, Error::Configuration { .. }), "{error:?}");
        sleep(MINUTE).await;
    }
    let requests = world.token_requests();
    assert!((24..150).contains(&requests), "{requests}");
    assert!(connection(&account).await.misconfigured);
}

#[tokio::test(start_paused = true)]
async fn two_wrong_configurations_share_a_backoff() {
    let world = World::amiqus();
    world.connected().await;
    let changed = world.emulator.change_secret(DEFAULT_CLIENT_ID, "right");
    assert!(changed);
    let processes = ["wrong", "also wrong"].map(|secret| with_secret(&world, secret));
    world.pass(HOUR).await;
    for _ in 0..40 {
        for account in &processes {
            match account.token().await.unwrap_err() {
                Error::Configuration { .. } | Error::Unavailable { .. } => {}
                error => panic!("{error:?}"),
            }
        }
        world.pass(Duration::from_millis(10)).await;
        settle().await;
    }
    let requests = world.token_requests();
    assert!((1..=10).contains(&requests), "{requests}");
    // Time is moved by hand: processes that wake each other would not let it pass by itself.
    for _ in 0..600 {
        world.pass(seconds(1)).await;
        settle().await;
        assert_eq!(world.token_requests(), requests, "nothing was called");
    }
    let right = with_secret(&world, "right");
    assert_eq!(world.call(&right).await, 200);
    assert_eq!(world.token_requests(), requests + 1);
}

#[tokio::test(start_paused = true)]
async fn a_notification_leads_to_no_refresh() {
    let world = World::amiqus();
    let here = world.connected().await;
    let there = world.elsewhere();
    world.pass(HOUR - seconds(2)).await;
    there.token().await.unwrap();
    world.pass(seconds(2)).await;
    let faults = world.emulator.faults();
    faults.always(Endpoint::Token, Broken::HtmlServerError);
    here.token().await.unwrap_err();
    let requests = world.token_requests();
    for _ in 0..600 {
        world.pass(seconds(1)).await;
        settle().await;
        assert_eq!(world.token_requests(), requests, "nothing was called");
    }
}
