//! How a login by device code ends.

use tokenkeeper_emulator::{Endpoint, Fault, PlainOptions};
use tokenkeeper_engine::{
    Advice, DeviceAuthorizationError, ExchangeError, FlowError, Status,
    protocol::{Class, DeviceAuthorizationError as Answer},
};

use super::*;
use crate::harness::{StoreFault, settle};

fn code(result: &Result<Login, Error>) -> Option<&str> {
    let error = result.as_ref().unwrap_err();
    assert_eq!(error.advice(), Advice::StartAgain, "{error:?}");
    error.error_code().and_then(|code| code.as_str())
}

fn assert_expired(result: Result<Login, Error>) {
    assert!(
        matches!(result, Err(Error::Flow(FlowError::Expired))),
        "{result:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_denial_ends_the_polls_for_all_processes() {
    let world = world();
    let device = start(&world).await;
    let finished = spawn_finish(&device);
    pass(INTERVAL).await;
    world.emulator.deny_device(&device.user_code).unwrap();
    assert_eq!(code(&finished.await.unwrap()), Some("access_denied"));
    let polls = world.emulator.counters().polls();
    for accounts in [&world.accounts, &world.another_process()] {
        let again = accounts.finish_device(device.flow.clone()).await;
        assert!(
            matches!(again, Err(Error::Flow(FlowError::Used))),
            "{again:?}"
        );
    }
    assert_eq!(world.emulator.counters().polls(), polls);
    assert_eq!(device.account.status().await.unwrap(), Status::NotConnected);
}

#[tokio::test(start_paused = true)]
async fn polls_end_with_the_codes() {
    let world = world_with(PlainOptions::default().device_code_lifetime(seconds(12)));
    let device = start(&world).await;
    assert_expired(spawn_finish(&device).await.unwrap());
    assert_eq!(world.emulator.counters().polls(), 2);
    settle().await;
    assert!(pending(&world, &device.account).await.is_null());
    // The same call finds the codes expired, and sends nothing.
    assert_expired(device.finish().await);
    assert_eq!(world.emulator.counters().polls(), 2);
}

#[tokio::test(start_paused = true)]
async fn codes_that_the_server_ends_early_are_expired_too() {
    let world = world();
    let device = start(&world).await;
    let finished = spawn_finish(&device);
    pass(INTERVAL).await;
    world.emulator.advance(HOUR);
    assert_expired(finished.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_is_cut_is_followed_by_another() {
    let world = world();
    let device = start(&world).await;
    approve(&world, &device);
    world
        .emulator
        .faults()
        .once(Endpoint::Token, Fault::CutAfterBody);
    let login = device.finish().await.unwrap();
    assert_eq!(world.call_api(&login.account).await, 200);
    assert_eq!(world.emulator.counters().polls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_with_tokens_asks_to_start_again() {
    let world = world();
    let device = start(&world).await;
    approve(&world, &device);
    world
        .emulator
        .faults()
        .once(Endpoint::Token, Fault::CutBeforeAnswer);
    assert_eq!(code(&device.finish().await), Some("invalid_grant"));
    assert_eq!(device.account.status().await.unwrap(), Status::NotConnected);
    let again = start(&world).await;
    approve(&world, &again);
    again.finish().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_refusal_without_a_reason_ends_the_call_and_not_the_login() {
    let world = world();
    let device = start(&world).await;
    for (fault, class) in [
        (Fault::HtmlBadRequest, Class::Unexplained),
        (
            Fault::json(401, &serde_json::json!({"error": "invalid_client"})),
            Class::Configuration,
        ),
    ] {
        world.emulator.faults().once(Endpoint::Token, fault);
        match device.finish().await {
            Err(Error::Exchange {
                source: ExchangeError::Refused(refusal),
                ..
            }) => {
                assert_eq!(refusal.class, class);
            }
            other => panic!("{other:?}"),
        }
    }
    approve(&world, &device);
    device.finish().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn tokens_of_a_poll_are_kept_while_the_store_is_away() {
    let world = world();
    let device = start(&world).await;
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let finished = spawn_finish(&device);
    gate.arrived(1).await;
    approve(&world, &device);
    world.store.fail(usize::MAX, StoreFault::Refuse);
    gate.release();
    let login = finished.await.unwrap().unwrap();
    assert_eq!(world.call_api(&login.account).await, 200);
    let unwritten = world.accounts.shutdown(seconds(1)).await.unwrap_err();
    assert_eq!(unwritten.accounts, [login.account]);
    world.store.recover();
    pass(seconds(5)).await;
    assert_eq!(world.call_api(&world.account_elsewhere()).await, 200);
}

#[tokio::test(start_paused = true)]
async fn a_device_endpoint_that_refuses_or_is_absent_is_told_apart() {
    let world = world();
    let faults = world.emulator.faults();
    let refused = Fault::json(400, &serde_json::json!({"error": "unauthorized_client"}));
    faults.once(Endpoint::DeviceAuthorization, refused);
    let error = world.account().connect_device().await.unwrap_err();
    assert_eq!(error.advice(), Advice::FixConfiguration);
    assert!(
        format!("{error:?}").contains("unauthorized_client"),
        "{error:?}"
    );

    faults.once(
        Endpoint::DeviceAuthorization,
        Fault::Unavailable {
            retry_after: Some(7),
        },
    );
    let error = world.account().connect_device().await.unwrap_err();
    assert_eq!(error.advice(), Advice::Retry { after: seconds(7) });
    faults.once(Endpoint::DeviceAuthorization, Fault::CutBeforeAnswer);
    let error = world.account().connect_device().await.unwrap_err();
    assert!(matches!(error.advice(), Advice::Retry { .. }), "{error:?}");

    let escape = Fault::field("user_code", "A\u{1b}[2J");
    faults.once(Endpoint::DeviceAuthorization, escape);
    match world.account().connect_device().await.unwrap_err() {
        Error::DeviceAuthorization { source, .. } => assert!(matches!(
            source,
            DeviceAuthorizationError::Response(Answer::Unusable { .. })
        )),
        other => panic!("{other:?}"),
    }
    let amiqus = World::amiqus();
    let error = amiqus.account().connect_device().await.unwrap_err();
    assert_eq!(error.advice(), Advice::FixConfiguration);
    assert_eq!(amiqus.token_requests(), 0);
}
