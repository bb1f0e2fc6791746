//! Lost answers, and the cause that errors name afterwards.

use bytes::Bytes;
use http::Response;
use tokenkeeper_emulator::{Emulator, Endpoint, Fault as EndpointFault, PlainOptions};
use tokenkeeper_engine::{Account, Cause, Error, Options};
use tokio::time::{Instant, sleep};

use super::{html, until_token};
use crate::harness::{HOUR, MINUTE, World, assert_err, cause, connection, plain, seconds};

/// Asks once a second until the error names a lost answer as the cause. Returns that time.
async fn named_as_lost(account: &Account) -> Instant {
    let started = Instant::now();
    loop {
        assert!(started.elapsed() < HOUR, "the cause is never named");
        match account.token().await.unwrap_err() {
            Error::Unavailable { .. } => sleep(seconds(1)).await,
            error => {
                assert_eq!(*cause(&error), Cause::ResponseLost);
                return Instant::now();
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_named_once_patience_ends() {
    let (world, account) = World::amiqus().expired().await;
    let faults = world.emulator.faults();
    faults.once(Endpoint::Token, EndpointFault::CutBeforeAnswer);
    faults.always(Endpoint::Token, html(404));
    let started = Instant::now();
    let named = named_as_lost(&account).await;
    let waited = named.duration_since(started);
    assert!((seconds(600)..HOUR).contains(&waited), "{waited:?}");
    let connection = connection(&account).await;
    assert_eq!(connection.reauthorize, Some(Cause::ResponseLost));
    assert!(connection.refused_since.is_some());
    assert!(world.store.entry(&account.key()).await.unwrap().attention);
}

#[tokio::test(start_paused = true)]
async fn patience_is_an_option() {
    let options = Options::new().suspect_timeout(MINUTE);
    let (world, account) = World::amiqus_with(options).expired().await;
    let faults = world.emulator.faults();
    faults.once(Endpoint::Token, EndpointFault::CutBeforeAnswer);
    faults.always(Endpoint::Token, html(403));
    let started = Instant::now();
    let named = named_as_lost(&account).await;
    let waited = named.duration_since(started);
    assert!((MINUTE..MINUTE * 5).contains(&waited), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn an_account_can_recover_from_a_lost_answer() {
    // The provider does not rotate refresh tokens, so the token is still valid.
    let emulator = Emulator::plain()
        .options(PlainOptions::default().refresh_token_stays())
        .access_token_lifetime(HOUR);
    let (world, account) = World::new(emulator, plain(|_| ()), Options::default())
        .expired()
        .await;
    let faults = world.emulator.faults();
    faults.once(Endpoint::Token, EndpointFault::CutBeforeAnswer);
    faults.always(Endpoint::Token, html(404));
    let named = named_as_lost(&account).await;
    let before = world.token_requests();
    while named.elapsed() < 6 * HOUR {
        let error = account.token().await.unwrap_err();
        assert_eq!(*cause(&error), Cause::ResponseLost);
        sleep(MINUTE).await;
    }
    let requests = world.token_requests() - before;
    assert!((5..60).contains(&requests), "{requests} in six hours");
    faults.clear_all();
    until_token(&account, MINUTE, HOUR + MINUTE).await;
    assert_eq!(world.call_api(&account).await, 200);
    assert_eq!(connection(&account).await.reauthorize, None);
}

#[tokio::test(start_paused = true)]
async fn a_busy_answer_after_a_rotation_counts_as_lost() {
    let (world, account) = World::amiqus().expired().await;
    let busy = Response::builder().status(503).header("retry-after", "2");
    let busy = busy.body(Bytes::new()).unwrap();
    let faults = world.emulator.faults();
    faults.once(Endpoint::Token, EndpointFault::AnswerInstead(busy));
    assert_err!(account.token().await, Error::Unavailable { .. });
    assert_eq!(world.token_requests(), 1, "the server asks to wait");
    named_as_lost(&account).await;
    assert_eq!(world.token_requests(), 2);
}
