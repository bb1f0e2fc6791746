//! Token endpoints that answer late, or never.

use std::time::Duration;

use tokenkeeper_emulator::{Emulator, Endpoint, Fault as Broken, PlainOptions, Reuse};
use tokenkeeper_engine::{Cause, Error, Options, Status};
use tokio::time::{Instant, sleep, timeout};

use super::{cause, seconds, until_token};
use crate::harness::{Deaf, HOUR, World, issued, login, plain};

#[tokio::test(start_paused = true)]
async fn an_answer_after_the_callers_wait_is_kept() {
    for late in [31, 35, 50, 170].map(seconds) {
        let world = World::amiqus();
        let account = world.connected().await;
        world.pass(HOUR).await;
        let faults = world.emulator.faults();
        faults.once(Endpoint::Token, Broken::DelayAnswer(late));
        let started = Instant::now();
        let error = account.token().await.unwrap_err();
        assert!(matches!(error, Error::Timeout { .. }), "{late:?} {error:?}");
        assert_eq!(started.elapsed().as_secs(), 30);
        sleep(late).await;
        assert_eq!(account.token().await.unwrap().generation(), 2);
        assert_eq!(world.call(&account).await, 200);
        assert_eq!(world.token_requests(), 1, "{late:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_to_a_login_is_kept() {
    let world = World::amiqus();
    let account = world.account();
    let faults = world.emulator.faults();
    faults.once(Endpoint::Token, Broken::DelayAnswer(seconds(100)));
    let finish = tokio::spawn({
        let (emulator, account) = (world.emulator.clone(), account.clone());
        async move { login(&emulator, &account).await }
    });
    sleep(seconds(101)).await;
    match finish.await.unwrap() {
        Ok(_) | Err(Error::Timeout { .. }) => {}
        Err(error) => panic!("{error:?}"),
    }
    assert_eq!(world.call(&account).await, 200);
    assert_eq!(world.token_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn others_leave_a_running_request_alone() {
    for world in [World::amiqus(), World::mute(Options::default())] {
        let here = world.connected().await;
        let there = world.elsewhere();
        there.token().await.unwrap();
        world.pass(HOUR).await;
        let late = seconds(150);
        let faults = world.emulator.faults();
        faults.once(Endpoint::Token, Broken::DelayAnswer(late));
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
        assert_eq!(world.call(&there).await, 200);
        assert_eq!(world.token_requests(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_is_repeated_only_once_it_is_over() {
    let world = World::amiqus();
    let account = world.connected().await;
    world.pass(HOUR).await;
    let faults = world.emulator.faults();
    faults.once(Endpoint::Token, Broken::DelayAnswer(HOUR));
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
async fn a_grace_window_does_not_shorten_the_listening() {
    for (grace, late) in [(3, 1_300), (10, 4_000)] {
        let reuse = Reuse::SamePair(seconds(grace));
        let emulator = Emulator::plain()
            .options(PlainOptions::default().reuse(reuse))
            .access_token_lifetime(HOUR);
        let provider = plain(|dialect| dialect.refresh.grace_seconds = Some(grace));
        let world = World::new(emulator, provider, Options::default());
        let account = world.connected().await;
        let there = world.elsewhere();
        there.token().await.unwrap();
        world.pass(HOUR).await;
        let late = Duration::from_millis(late);
        let faults = world.emulator.faults();
        faults.always(Endpoint::Token, Broken::DelayAnswer(late));
        let (here, there) = tokio::join!(account.token(), there.token());
        assert_eq!(here.unwrap().generation(), 2);
        assert_eq!(there.unwrap().generation(), 2);
        assert_eq!(world.call(&account).await, 200);
        assert_eq!(world.token_requests(), 1, "{grace}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_transport_without_a_deadline_blocks_no_account() {
    let world = World::amiqus();
    let account = world.connected().await;
    world.pass(HOUR).await;
    let transport = Deaf::new(world.emulator.clone(), 1);
    let process = world.builder().transport(transport).build().unwrap();
    let there = world.account_of(&process);
    until_token(&there, seconds(1), seconds(600)).await;
    assert_eq!(world.call(&there).await, 200);
    assert_eq!(world.call(&account).await, 200);
    assert_eq!(world.token_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_transport_without_a_deadline_blocks_no_disconnect() {
    let world = World::plain();
    let tokens = issued(&world.emulator);
    let refresh_token = tokens.refresh_token.clone().unwrap();
    // The revocation of the disconnect itself, and that of a call which meets the tombstone.
    let transport = Deaf::new(world.emulator.clone(), 2);
    let process = world.builder().transport(transport).build().unwrap();
    let account = world.account_of(&process);
    account.adopt(tokens).await.unwrap();
    let _ = account.disconnect().await;
    let error = account.token().await.unwrap_err();
    assert!(matches!(error, Error::Disconnected { .. }), "{error:?}");
    for _ in 0..1200 {
        sleep(seconds(1)).await;
        let _ = account.token().await;
    }
    assert!(!world.is_live(refresh_token.expose()).await);
    let revoked = Status::Disconnected {
        revocation_pending: false,
    };
    assert_eq!(account.status().await.unwrap(), revoked);
}

#[tokio::test(start_paused = true)]
async fn a_killed_holder_is_replaced_within_35_seconds() {
    for world in [World::amiqus(), World::mute(Options::default())] {
        let account = world.connected().await;
        world.pass(HOUR).await;
        world.killed_in_mid_refresh().await;
        let waited = until_token(&account, Duration::ZERO, seconds(65)).await;
        assert!(waited < seconds(35), "{waited:?}");
        assert_eq!(world.call(&account).await, 200);
        assert_eq!(world.emulator.counters().presented_after_answer(), 0);
    }
}
