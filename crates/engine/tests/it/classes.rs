//! failures have classes.

use std::time::Duration;

use http::Response;
use tokenkeeper_emulator::{AmiqusOptions, Emulator, Endpoint, Fault as Broken, Generation};
use tokenkeeper_engine::{Cause, Error, Options, Status};

use crate::harness::{HOUR, World, amiqus, login};

fn cause(error: &Error) -> &Cause {
    match error {
        Error::ReauthorizationRequired { cause, .. } => cause,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a12_a_refused_refresh_token_needs_reauthorization_in_both_generations() {
    for generation in [Generation::Eight, Generation::Nine] {
        let options = AmiqusOptions::default().generation(generation);
        let emulator = Emulator::amiqus()
            .options(options)
            .access_token_lifetime(HOUR);
        let world = World::new(emulator, amiqus(), Options::default());
        let account = world.connected().await;
        world
            .emulator
            .revoke_user(tokenkeeper_emulator::DEFAULT_USER);
        world.pass(HOUR).await;
        for _ in 0..5 {
            let error = account.token().await.unwrap_err();
            assert!(matches!(cause(&error), Cause::Refused(_)));
        }
        // No other process asks again: the mark is in the record.
        let other = world
            .another_process()
            .account("amiqus", "user-42")
            .unwrap();
        assert!(matches!(
            cause(&other.token().await.unwrap_err()),
            Cause::Refused(_)
        ));
        assert_eq!(world.token_requests(), 1);
        // A new login heals it.
        login(&world.emulator, &account).await.unwrap();
        assert_eq!(world.call(&account).await, 200);
    }
}

#[tokio::test(start_paused = true)]
async fn a13_an_invalid_client_keeps_the_refresh_token() {
    let world = World::amiqus();
    let account = world.connected().await;
    world
        .emulator
        .change_secret(tokenkeeper_emulator::DEFAULT_CLIENT_ID, "another");
    world.pass(HOUR).await;
    for _ in 0..3 {
        let error = account.token().await.unwrap_err();
        assert!(matches!(error, Error::Configuration { .. }), "{error:?}");
    }
    assert_eq!(world.token_requests(), 1);
    let Status::Connected(connection) = account.status().await.unwrap() else {
        panic!("the tokens are kept");
    };
    assert!(connection.misconfigured);
    // With the right secret it is presented again, and works.
    let secret = "another";
    let registration = crate::harness::registration().secret(secret);
    let repaired = tokenkeeper_provider_amiqus::Amiqus::new(registration).unwrap();
    let repaired = repaired.base(crate::harness::BASE).unwrap();
    let accounts = crate::harness::engine(
        &world.emulator,
        world.store.clone(),
        &world.clock,
        repaired,
        Options::default(),
    );
    let account = accounts.account("amiqus", "user-42").unwrap();
    account.token().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a22_a_lost_answer_is_replayed_once_at_once_and_named_as_the_cause() {
    let world = World::amiqus();
    let account = world.connected().await;
    world.pass(HOUR).await;
    world
        .emulator
        .faults()
        .once(Endpoint::Token, Broken::CutBeforeAnswer);
    let error = account.token().await.unwrap_err();
    assert_eq!(*cause(&error), Cause::ResponseLost);
    assert!(error.to_string().contains("refresh response lost"));
    assert_eq!(world.token_requests(), 2);
    assert_eq!(world.emulator.counters().presented_after_answer(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_cut_before_the_redemption_is_healed_by_the_replay() {
    let world = World::amiqus();
    let account = world.connected().await;
    world.pass(HOUR).await;
    world
        .emulator
        .faults()
        .once(Endpoint::Token, Broken::CutAfterBody);
    assert_eq!(world.call(&account).await, 200);
    assert_eq!(world.token_requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn q18_replays_after_ambiguous_answers_have_no_cap_and_never_log_anybody_out() {
    let world = World::amiqus();
    let account = world.connected().await;
    world.pass(HOUR).await;
    world
        .emulator
        .faults()
        .always(Endpoint::Token, Broken::HtmlServerError);
    let started = tokio::time::Instant::now();
    while started.elapsed() < 24 * HOUR {
        let error = account.token().await.unwrap_err();
        let Error::Unavailable { retry_after, .. } = error else {
            panic!("{error:?}");
        };
        world.pass(retry_after + Duration::from_secs(1)).await;
    }
    let requests = world.token_requests();
    assert!((100..2000).contains(&requests), "{requests}");
    world.emulator.faults().clear_all();
    assert_eq!(world.call(&account).await, 200);
}

#[tokio::test(start_paused = true)]
async fn a_429_backs_off_as_long_as_it_says_and_shares_that() {
    let world = World::amiqus();
    let account = world.connected().await;
    world.pass(HOUR).await;
    let fault = Broken::TooManyRequests { retry_after: 120 };
    world.emulator.faults().once(Endpoint::Token, fault);
    let error = account.token().await.unwrap_err();
    let Error::Unavailable { retry_after, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(retry_after.as_secs(), 120);
    let other = world
        .another_process()
        .account("amiqus", "user-42")
        .unwrap();
    assert!(matches!(
        other.token().await,
        Err(Error::Unavailable { .. })
    ));
    assert_eq!(world.token_requests(), 1);
    world.pass(Duration::from_secs(121)).await;
    other.token().await.unwrap();
    assert_eq!(world.token_requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_a_refresh_token_keeps_the_one_we_have() {
    for missing in [
        Broken::Without("refresh_token".to_owned()),
        Broken::field("refresh_token", ""),
        Broken::field("refresh_token", serde_json::Value::Null),
    ] {
        let world = World::amiqus();
        let account = world.connected().await;
        let token = |record: &serde_json::Value| {
            record["state"]["live"]["tokens"]["tokens"]["refresh_token"].clone()
        };
        let before = token(&world.store.record(&account.key()).await);
        world.emulator.faults().once(Endpoint::Token, missing);
        account.refresh().await.unwrap();
        assert_eq!(token(&world.store.record(&account.key()).await), before);
        assert!(before.is_string());
    }
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_answer_is_ambiguous_and_replayed() {
    let big = Response::builder()
        .body(bytes::Bytes::from(vec![b'x'; 100_000]))
        .unwrap();
    for broken in [
        Broken::Truncated,
        Broken::Empty,
        Broken::InvalidUtf8,
        Broken::Answer(big),
    ] {
        let world = World::amiqus();
        let account = world.connected().await;
        world.pass(HOUR).await;
        world.emulator.faults().once(Endpoint::Token, broken);
        let result = account.token().await;
        assert_eq!(world.token_requests(), 2);
        if let Err(error) = result {
            assert_eq!(*cause(&error), Cause::ResponseLost);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_would_break_out_of_its_header_reaches_none() {
    let world = World::amiqus();
    let account = world.connected().await;
    let evil = Broken::field("access_token", "a\r\nx-evil: 1");
    world.emulator.faults().once(Endpoint::Token, evil);
    account.refresh().await.unwrap();
    let error = account.token().await.unwrap_err();
    assert!(matches!(error, Error::Protocol(_)), "{error:?}");
    // The refresh token that came along is kept, and heals it.
    account.refresh().await.unwrap();
    assert_eq!(world.call(&account).await, 200);
}
