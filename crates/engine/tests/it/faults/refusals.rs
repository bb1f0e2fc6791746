//! Refusals without a reason, which end no account.

use tokenkeeper_emulator::{DEFAULT_USER, Endpoint, Fault as Broken};
use tokenkeeper_engine::{Clock as _, Error, EventKind, TestClock, TokenSource};
use tokio::time::{Instant, sleep};

use super::{MINUTE, connection, html, refusal, seconds, until_token};
use crate::harness::{HOUR, World, drain};

#[tokio::test(start_paused = true)]
async fn refusals_without_a_reason_end_no_account() {
    for refused in [
        html(403),
        html(404),
        Broken::status(400),
        Broken::LoginRedirect,
        refusal(400, "invalid_request"),
    ] {
        let world = World::plain();
        let account = world.connected().await;
        world.pass(HOUR).await;
        let mut events = world.accounts.events();
        let began = world.clock.wall();
        let faults = world.emulator.faults();
        faults.always(Endpoint::Token, refused);
        for _ in 0..15 * 60 {
            let error = account.token().await.unwrap_err();
            assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
            sleep(seconds(1)).await;
        }
        let refused = connection(&account).await;
        assert_eq!(refused.reauthorize, None);
        let since = refused.refused_since.expect("the status tells of it");
        assert!(since.duration_since(began).unwrap() < seconds(2));
        let told = drain(&mut events).into_iter();
        let told = told.filter(|kind| *kind == EventKind::RefusedWithoutReason { since });
        assert_eq!(told.count(), 1);
        assert!(world.store.entry(&account.key()).await.unwrap().attention);

        faults.clear_all();
        account.refresh().await.unwrap();
        assert_eq!(world.call(&account).await, 200);
        assert_eq!(connection(&account).await.refused_since, None);
        assert!(!world.store.entry(&account.key()).await.unwrap().attention);
    }
}

#[tokio::test(start_paused = true)]
async fn a_fast_clock_makes_refusals_no_older() {
    let world = World::amiqus();
    let here = world.connected().await;
    let fast = TestClock::starting_at(world.clock.wall() + MINUTE * 11);
    let there = world.account_on(fast);
    world.pass(HOUR).await;
    let faults = world.emulator.faults();
    faults.always(Endpoint::Token, html(404));
    for _ in 0..60 {
        for account in [&here, &there] {
            let error = account.token().await.unwrap_err();
            assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
        }
        sleep(seconds(1)).await;
    }
    faults.clear_all();
    here.refresh().await.unwrap();
    assert_eq!(world.call(&there).await, 200);
}

#[tokio::test(start_paused = true)]
async fn refusals_without_a_reason_back_off_up_to_an_hour() {
    let world = World::amiqus();
    let account = world.connected().await;
    world.pass(HOUR).await;
    let faults = world.emulator.faults();
    faults.always(Endpoint::Token, html(404));
    let started = Instant::now();
    while started.elapsed() < 24 * HOUR {
        let error = account.token().await.unwrap_err();
        assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
        sleep(MINUTE).await;
    }
    let requests = world.token_requests();
    assert!((24..150).contains(&requests), "{requests}");
    faults.clear_all();
    until_token(&account, MINUTE, HOUR + MINUTE).await;
    assert_eq!(world.call(&account).await, 200);
}

#[tokio::test(start_paused = true)]
async fn a_dead_account_is_told_of_once() {
    let world = World::amiqus();
    let account = world.connected().await;
    let mut events = world.accounts.events();
    let old = TokenSource::credential(&account, true)
        .await
        .unwrap()
        .version();
    world.emulator.revoke_user(DEFAULT_USER);
    world.pass(HOUR).await;
    for _ in 0..100 {
        let answers = [
            account.refresh().await.map(drop),
            account.replacement(old).await.map(drop),
            TokenSource::credential(&account, true).await.map(drop),
        ];
        for error in answers {
            let died = matches!(error, Err(Error::ReauthorizationRequired { .. }));
            assert!(died, "{error:?}");
        }
    }
    let told = drain(&mut events).into_iter();
    let told = told.filter(|kind| matches!(kind, EventKind::ReauthorizationRequired { .. }));
    assert_eq!(told.count(), 1);
    assert_eq!(world.token_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn processes_that_end_at_once_get_past_a_pause() {
    let world = World::plain();
    let account = world.connected().await;
    world.pass(HOUR).await;
    let faults = world.emulator.faults();
    faults.once(Endpoint::Token, html(404));
    account.token().await.unwrap_err();
    let error = world.elsewhere().token().await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    assert_eq!(world.token_requests(), 1);
    sleep(MINUTE).await;
    assert_eq!(world.call(&world.elsewhere()).await, 200);
    assert_eq!(world.token_requests(), 2);
}
