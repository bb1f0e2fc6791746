//! Classes of failures: what each answer of the token endpoint leads to.

use http::Response;
use tokenkeeper_emulator::{AmiqusOptions, Emulator, Endpoint, Fault as EndpointFault, Generation};
use tokenkeeper_engine::{Cause, Error, Options};

use crate::harness::{
    HOUR, World, amiqus, assert_err, cause, connection, login, retry_after, seconds,
};

#[tokio::test(start_paused = true)]
async fn a12_a_refused_refresh_token_requires_reauthorization() {
    for generation in [Generation::Eight, Generation::Nine] {
        let options = AmiqusOptions::default().generation(generation);
        let emulator = Emulator::amiqus()
            .options(options)
            .access_token_lifetime(HOUR);
        let world = World::new(emulator, amiqus(), Options::default());
        let account = world.connect_account().await;
        world
            .emulator
            .revoke_user(tokenkeeper_emulator::DEFAULT_USER);
        world.advance(HOUR).await;
        for _ in 0..5 {
            let error = account.token().await.unwrap_err();
            assert!(matches!(cause(&error), Cause::Refused(_)));
        }
        // No other process asks again, since the record is marked.
        let other = world.account_elsewhere();
        assert!(matches!(
            cause(&other.token().await.unwrap_err()),
            Cause::Refused(_)
        ));
        assert_eq!(world.token_requests(), 1);
        // A new login recovers the account.
        login(&world.emulator, &account).await.unwrap();
        assert_eq!(world.call_api(&account).await, 200);
    }
}

#[tokio::test(start_paused = true)]
async fn a13_an_invalid_client_keeps_the_refresh_token() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    world
        .emulator
        .change_secret(tokenkeeper_emulator::DEFAULT_CLIENT_ID, "another");
    world.advance(HOUR).await;
    for _ in 0..3 {
        assert_err!(account.token().await, Error::Configuration { .. });
    }
    assert_eq!(world.token_requests(), 1);
    assert!(connection(&account).await.misconfigured);
    // A process with the right secret presents the token again.
    let repaired = world.account_of(&world.process_with_secret("another"));
    repaired.token().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a22_a_lost_answer_is_replayed_once_and_named_as_the_cause() {
    let (world, account) = World::amiqus().expired().await;
    world
        .emulator
        .faults()
        .once(Endpoint::Token, EndpointFault::CutBeforeAnswer);
    let error = account.token().await.unwrap_err();
    assert_eq!(*cause(&error), Cause::ResponseLost);
    assert!(error.to_string().contains("refresh response lost"));
    assert_eq!(world.token_requests(), 2);
    assert_eq!(world.emulator.counters().presented_after_answer(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_replay_recovers_from_a_cut_before_the_redemption() {
    let (world, account) = World::amiqus().expired().await;
    world
        .emulator
        .faults()
        .once(Endpoint::Token, EndpointFault::CutAfterBody);
    assert_eq!(world.call_api(&account).await, 200);
    assert_eq!(world.token_requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn q18_ambiguous_answers_are_replayed_without_a_cap() {
    let (world, account) = World::amiqus().expired().await;
    world
        .emulator
        .faults()
        .always(Endpoint::Token, EndpointFault::HtmlServerError);
    let started = tokio::time::Instant::now();
    while started.elapsed() < 24 * HOUR {
        let error = account.token().await.unwrap_err();
        let retry_after = retry_after(&error);
        world.advance(retry_after + seconds(1)).await;
    }
    let requests = world.token_requests();
    assert!((100..2000).contains(&requests), "{requests}");
    world.emulator.faults().clear_all();
    assert_eq!(world.call_api(&account).await, 200);
}

#[tokio::test(start_paused = true)]
async fn a_429_backs_off_for_its_retry_after_in_all_processes() {
    let (world, account) = World::amiqus().expired().await;
    let fault = EndpointFault::TooManyRequests { retry_after: 120 };
    world.emulator.faults().once(Endpoint::Token, fault);
    let error = account.token().await.unwrap_err();
    let retry_after = retry_after(&error);
    assert_eq!(retry_after.as_secs(), 120);
    let other = world.account_elsewhere();
    assert_err!(other.token().await, Error::Unavailable { .. });
    assert_eq!(world.token_requests(), 1);
    world.advance(seconds(121)).await;
    other.token().await.unwrap();
    assert_eq!(world.token_requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_a_refresh_token_keeps_the_old_one() {
    for missing in [
        EndpointFault::Without("refresh_token".to_owned()),
        EndpointFault::field("refresh_token", ""),
        EndpointFault::field("refresh_token", serde_json::Value::Null),
    ] {
        let world = World::amiqus();
        let account = world.connect_account().await;
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
        EndpointFault::Truncated,
        EndpointFault::Empty,
        EndpointFault::field("access_token", 7),
        EndpointFault::field("refresh_token", serde_json::json!(["rt"])),
        EndpointFault::Answer(big),
    ] {
        let (world, account) = World::amiqus().expired().await;
        world.emulator.faults().once(Endpoint::Token, broken);
        let result = account.token().await;
        assert_eq!(world.token_requests(), 2);
        if let Err(error) = result {
            assert_eq!(*cause(&error), Cause::ResponseLost);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_with_a_line_break_reaches_no_header() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    let evil = EndpointFault::field("access_token", "a\r\nx-evil: 1");
    world.emulator.faults().once(Endpoint::Token, evil);
    account.refresh().await.unwrap();
    assert_err!(account.token().await, Error::Protocol(_));
    // The refresh token of that answer is kept, and its refresh recovers the account.
    account.refresh().await.unwrap();
    assert_eq!(world.call_api(&account).await, 200);
}
