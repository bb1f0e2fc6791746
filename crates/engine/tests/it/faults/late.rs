//! Token endpoints that answer late or never.

use std::time::Duration;

use tokenkeeper_emulator::{Emulator, Endpoint, Fault as EndpointFault, PlainOptions, Reuse};
use tokenkeeper_engine::{Cause, Error, Options, Status};
use tokio::time::{Instant, sleep, timeout};

use super::until_token;
use crate::harness::{
    HOUR, HangingTransport, World, assert_err, cause, issue_tokens, plain, seconds, spawn_login,
};

#[tokio::test(start_paused = true)]
async fn an_answer_after_the_callers_wait_is_kept() {
    for late in [31, 35, 50, 170].map(seconds) {
        let (world, account) = World::amiqus().expired().await;
        let faults = world.emulator.faults();
        faults.once(Endpoint::Token, EndpointFault::DelayAnswer(late));
        let started = Instant::now();
        let error = account.token().await.unwrap_err();
        assert!(matches!(error, Error::Timeout { .. }), "{late:?} {error:?}");
        assert_eq!(started.elapsed().as_secs(), 30);
        sleep(late).await;
        assert_eq!(account.token().await.unwrap().generation(), 2);
        assert_eq!(world.call_api(&account).await, 200);
        assert_eq!(world.token_requests(), 1, "{late:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_to_a_login_is_kept() {
    let world = World::amiqus();
    let account = world.account();
    let faults = world.emulator.faults();
    faults.once(Endpoint::Token, EndpointFault::DelayAnswer(seconds(100)));
    let finish = spawn_login(&world, &account);
    sleep(seconds(101)).await;
    match finish.await.unwrap() {
        Ok(_) | Err(Error::Timeout { .. }) => {}
        Err(error) => panic!("{error:?}"),
    }
    assert_eq!(world.call_api(&account).await, 200);
    assert_eq!(world.token_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn other_processes_leave_a_running_request_alone() {
    for world in [
        World::amiqus(),
        World::without_notifications(Options::default()),
    ] {
        let (here, there) = world.connect_in_two_processes().await;
        world.advance(HOUR).await;
        let late = seconds(150);
        let faults = world.emulator.faults();
        faults.once(Endpoint::Token, EndpointFault::DelayAnswer(late));
        let started = Instant::now();
        while started.elapsed() < late {
            let second = seconds(1);
            let _ = tokio::join!(
                timeout(second, here.token()),
                timeout(second, there.token())
            );
            sleep(second).await;
        }
        assert_eq!(here.token().await.unwrap().generation(), 2);
        assert_eq!(there.token().await.unwrap().generation(), 2);
        assert_eq!(world.call_api(&there).await, 200);
        assert_eq!(world.token_requests(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_is_repeated_only_once_it_is_over() {
    let (world, account) = World::amiqus().expired().await;
    let faults = world.emulator.faults();
    faults.once(Endpoint::Token, EndpointFault::DelayAnswer(HOUR));
    let started = Instant::now();
    let error = loop {
        assert!(started.elapsed() < HOUR, "it never ends");
        match account.token().await.unwrap_err() {
            Error::Timeout { .. } | Error::Unavailable { .. } => sleep(seconds(1)).await,
            error => break error,
        }
    };
    assert_eq!(*cause(&error), Cause::ResponseLost);
    let presentations = world.emulator.counters().presentations;
    let [first, second] = &presentations[..] else {
        panic!("{presentations:?}");
    };
    let between = second.began.duration_since(first.began).unwrap();
    assert!((180..300).contains(&between.as_secs()), "{between:?}");
}

#[tokio::test(start_paused = true)]
async fn a_grace_window_does_not_shorten_the_wait_for_an_answer() {
    for (grace, late) in [(3, 1_300), (10, 4_000)] {
        let reuse = Reuse::SamePair(seconds(grace));
        let emulator = Emulator::plain()
            .options(PlainOptions::default().reuse(reuse))
            .access_token_lifetime(HOUR);
        let provider = plain(|dialect| dialect.refresh.grace_seconds = Some(grace));
        let world = World::new(emulator, provider, Options::default());
        let (account, there) = world.connect_in_two_processes().await;
        world.advance(HOUR).await;
        let late = Duration::from_millis(late);
        let faults = world.emulator.faults();
        faults.always(Endpoint::Token, EndpointFault::DelayAnswer(late));
        let (here, there) = tokio::join!(account.token(), there.token());
        assert_eq!(here.unwrap().generation(), 2);
        assert_eq!(there.unwrap().generation(), 2);
        assert_eq!(world.call_api(&account).await, 200);
        assert_eq!(world.token_requests(), 1, "{grace}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_transport_without_a_deadline_blocks_no_account() {
    let (world, account) = World::amiqus().expired().await;
    let transport = HangingTransport::new(world.emulator.clone(), 1);
    let process = world.builder().transport(transport).build().unwrap();
    let there = world.account_of(&process);
    until_token(&there, seconds(1), seconds(600)).await;
    assert_eq!(world.call_api(&there).await, 200);
    assert_eq!(world.call_api(&account).await, 200);
    assert_eq!(world.token_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_transport_without_a_deadline_blocks_no_disconnect() {
    let world = World::plain();
    let tokens = issue_tokens(&world.emulator);
    let refresh_token = tokens.refresh_token.clone().unwrap();
    // The first revocation of the disconnect, and the one of a call that meets the tombstone.
    let transport = HangingTransport::new(world.emulator.clone(), 2);
    let process = world.builder().transport(transport).build().unwrap();
    let account = world.account_of(&process);
    account.adopt(tokens).await.unwrap();
    let _ = account.disconnect().await;
    assert_err!(account.token().await, Error::Disconnected { .. });
    for _ in 0..1200 {
        sleep(seconds(1)).await;
        let _ = account.token().await;
    }
    assert!(!world.is_valid(refresh_token.expose()).await);
    let revoked = Status::Disconnected {
        revocation_pending: false,
    };
    assert_eq!(account.status().await.unwrap(), revoked);
}

#[tokio::test(start_paused = true)]
async fn a_killed_holder_is_replaced_within_35_seconds() {
    for world in [
        World::amiqus(),
        World::without_notifications(Options::default()),
    ] {
        let (world, account) = world.expired().await;
        world.leave_dead_attempt().await;
        let waited = until_token(&account, Duration::ZERO, seconds(65)).await;
        assert!(waited < seconds(35), "{waited:?}");
        assert_eq!(world.call_api(&account).await, 200);
        assert_eq!(world.emulator.counters().presented_after_answer(), 0);
    }
}
