//! Refusals without a reason, which end no account.

use tokenkeeper_emulator::{DEFAULT_USER, Endpoint, Fault as EndpointFault};
use tokenkeeper_engine::{Clock as _, Error, EventKind, FailureClass, TestClock, TokenSource};
use tokio::time::sleep;

use super::{assert_fails_for, html, is_unavailable, refusal, until_token};
use crate::harness::{
    HOUR, MINUTE, World, assert_err, connection, credential, drain_events, seconds,
};

#[tokio::test(start_paused = true)]
async fn refusals_without_a_reason_end_no_account() {
    for refused in [
        html(403),
        html(404),
        EndpointFault::status(400),
        EndpointFault::LoginRedirect,
        refusal(400, "invalid_request"),
    ] {
        let (world, account) = World::plain().expired().await;
        let mut events = world.accounts.events();
        let began = world.clock.wall();
        let faults = world.emulator.faults();
        faults.always(Endpoint::Token, refused);
        assert_fails_for(&account, 15 * MINUTE, seconds(1), is_unavailable).await;
        let refused = connection(&account).await;
        assert_eq!(refused.reauthorize, None);
        let since = refused.refused_since.expect("the status reports it");
        assert!(since.duration_since(began).unwrap() < seconds(2));
        let reported = drain_events(&mut events).into_iter();
        let reported = reported.filter(|kind| {
            let EventKind::RefusedWithoutReason {
                since: told,
                failure,
            } = kind
            else {
                return false;
            };
            *told == since
                && failure
                    .as_ref()
                    .is_some_and(|failure| failure.class == FailureClass::Unexplained)
        });
        assert_eq!(reported.count(), 1);
        assert!(world.store.entry(&account.key()).await.unwrap().attention);

        faults.clear_all();
        account.refresh().await.unwrap();
        assert_eq!(world.call_api(&account).await, 200);
        assert_eq!(connection(&account).await.refused_since, None);
        assert!(!world.store.entry(&account.key()).await.unwrap().attention);
    }
}

#[tokio::test(start_paused = true)]
async fn a_fast_clock_does_not_age_refusals() {
    let world = World::amiqus();
    let here = world.connect_account().await;
    let fast = TestClock::starting_at(world.clock.wall() + MINUTE * 11);
    let there = world.account_on_clock(fast);
    world.advance(HOUR).await;
    let faults = world.emulator.faults();
    faults.always(Endpoint::Token, html(404));
    for _ in 0..60 {
        for account in [&here, &there] {
            assert_err!(account.token().await, Error::Unavailable { .. });
        }
        sleep(seconds(1)).await;
    }
    faults.clear_all();
    here.refresh().await.unwrap();
    assert_eq!(world.call_api(&there).await, 200);
}

#[tokio::test(start_paused = true)]
async fn refusals_without_a_reason_back_off_up_to_an_hour() {
    let (world, account) = World::amiqus().expired().await;
    let faults = world.emulator.faults();
    faults.always(Endpoint::Token, html(404));
    assert_fails_for(&account, 24 * HOUR, MINUTE, is_unavailable).await;
    let requests = world.token_requests();
    assert!((24..150).contains(&requests), "{requests}");
    faults.clear_all();
    until_token(&account, MINUTE, HOUR + MINUTE).await;
    assert_eq!(world.call_api(&account).await, 200);
}

#[tokio::test(start_paused = true)]
async fn a_dead_account_is_reported_once() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    let mut events = world.accounts.events();
    let old = credential(&account).await.version();
    world.emulator.revoke_user(DEFAULT_USER);
    world.advance(HOUR).await;
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
    let reported = drain_events(&mut events).into_iter();
    let reported =
        reported.filter(|kind| matches!(kind, EventKind::ReauthorizationRequired { .. }));
    assert_eq!(reported.count(), 1);
    assert_eq!(world.token_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn short_lived_processes_get_past_a_pause() {
    let (world, account) = World::plain().expired().await;
    let faults = world.emulator.faults();
    faults.once(Endpoint::Token, html(404));
    account.token().await.unwrap_err();
    assert_err!(
        world.account_elsewhere().token().await,
        Error::Unavailable { .. }
    );
    assert_eq!(world.token_requests(), 1);
    sleep(MINUTE).await;
    assert_eq!(world.call_api(&world.account_elsewhere()).await, 200);
    assert_eq!(world.token_requests(), 2);
}
