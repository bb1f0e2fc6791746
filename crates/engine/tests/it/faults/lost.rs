//! Answers that were lost, and what is then named as the cause.

use bytes::Bytes;
use http::Response;
use tokenkeeper_emulator::{Emulator, Endpoint, Fault as Broken, PlainOptions};
use tokenkeeper_engine::{Account, Cause, Error, Options};
use tokio::time::{Instant, sleep};

use super::{MINUTE, cause, connection, html, seconds, until_token};
use crate::harness::{HOUR, World, plain};

/// Asks once a second until a lost answer is named as the cause.
async fn named_as_lost(account: &Account) -> Instant {
    let started = Instant::now();
    loop {
        assert!(started.elapsed() < HOUR, "it is never named");
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
async fn a_lost_answer_is_named_once_patience_is_over() {
    let world = World::amiqus();
    let account = world.connected().await;
    world.pass(HOUR).await;
    let faults = world.emulator.faults();
    faults.once(Endpoint::Token, Broken::CutBeforeAnswer);
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
    let world = World::amiqus_with(options);
    let account = world.connected().await;
    world.pass(HOUR).await;
    let faults = world.emulator.faults();
    faults.once(Endpoint::Token, Broken::CutBeforeAnswer);
    faults.always(Endpoint::Token, html(403));
    let started = Instant::now();
    let named = named_as_lost(&account).await;
    let waited = named.duration_since(started);
    assert!((MINUTE..MINUTE * 5).contains(&waited), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn an_account_whose_answer_was_lost_may_still_recover() {
    // The provider does not rotate, so the refresh token is still good.
    let emulator = Emulator::plain()
        .options(PlainOptions::default().refresh_token_stays())
        .access_token_lifetime(HOUR);
    let world = World::new(emulator, plain(|_| ()), Options::default());
    let account = world.connected().await;
    world.pass(HOUR).await;
    let faults = world.emulator.faults();
    faults.once(Endpoint::Token, Broken::CutBeforeAnswer);
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
    assert_eq!(world.call(&account).await, 200);
    assert_eq!(connection(&account).await.reauthorize, None);
}

#[tokio::test(start_paused = true)]
async fn a_busy_answer_after_a_rotation_counts_as_lost() {
    let world = World::amiqus();
    let account = world.connected().await;
    world.pass(HOUR).await;
    let busy = Response::builder().status(503).header("retry-after", "2");
    let busy = busy.body(Bytes::new()).unwrap();
    let faults = world.emulator.faults();
    faults.once(Endpoint::Token, Broken::AnswerInstead(busy));
    let error = account.token().await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    assert_eq!(world.token_requests(), 1, "the server asks to wait");
    named_as_lost(&account).await;
    assert_eq!(world.token_requests(), 2);
}
