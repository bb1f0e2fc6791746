//! Logins by device code.

use std::time::Duration;

use tokenkeeper_emulator::DEFAULT_USER;
use tokenkeeper_engine::{Advice, ConnectOptions, Error as EngineError};
use tokenkeeper_login::{DeviceLogin, Error};

use crate::world::World;

const CALLBACK: &str = "http://127.0.0.1/callback";

#[tokio::test(start_paused = true)]
async fn a_code_that_a_person_approves_connects_the_account() {
    let world = World::new(CALLBACK);
    let options = ConnectOptions::new().scope("read");
    let device = DeviceLogin::start_with(&world.account(), &options)
        .await
        .unwrap();
    let complete = device.verification_uri_complete().unwrap().as_str();
    assert!(complete.starts_with(device.verification_uri().as_str()));
    assert!(complete.ends_with(device.user_code()));
    assert_eq!(
        device.qr_code(),
        tokenkeeper_login::qr_code(&complete.parse().unwrap())
    );
    let left = device.expires_at().duration_since(world.emulator.now());
    assert!(left.unwrap() <= Duration::from_secs(30 * 60));

    let code = device.user_code();
    world.emulator.approve_device(code, DEFAULT_USER).unwrap();
    let login = device.finish().await.unwrap();
    assert_eq!(login.account, world.account());
    assert!(world.is_connected().await);
    let shown = format!("{device:?}");
    assert!(
        !shown.contains(code) && !shown.contains(device.flow().as_str()),
        "{shown}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_denied_code_is_an_error_that_says_start_again() {
    let world = World::new(CALLBACK);
    let device = DeviceLogin::start(&world.account()).await.unwrap();
    world.emulator.deny_device(device.user_code()).unwrap();
    let error = device.finish().await.unwrap_err();
    assert_eq!(error.advice(), Advice::StartAgain, "{error:?}");
    let Error::Engine(EngineError::Exchange { .. }) = &error else {
        panic!("{error:?}");
    };
}

#[tokio::test(start_paused = true)]
async fn a_dropped_wait_is_continued_by_another_process() {
    let world = World::new(CALLBACK);
    let device = DeviceLogin::start(&world.account()).await.unwrap();
    let waits = tokio::time::timeout(Duration::from_secs(1), device.finish()).await;
    assert!(waits.is_err());
    let flow = device.flow().clone();
    world
        .emulator
        .approve_device(device.user_code(), DEFAULT_USER)
        .unwrap();
    world.accounts.finish_device(flow).await.unwrap();
    assert!(world.is_connected().await);
}
