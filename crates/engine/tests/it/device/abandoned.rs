//! Callers that go away, and processes that end.

use tokenkeeper_emulator::Endpoint;

use super::*;
use crate::harness::settle;

#[tokio::test(start_paused = true)]
async fn polls_end_when_the_caller_goes_away() {
    let world = world();
    let device = start(&world).await;
    let finished = spawn_finish(&device);
    pass(INTERVAL * 2 + JUST_BEFORE).await;
    assert!(pending(&world, &device.account).await.is_object());
    finished.abort();
    settle().await;
    assert!(
        pending(&world, &device.account).await.is_null(),
        "the claim is withdrawn"
    );
    approve(&world, &device);
    pass(seconds(60)).await;
    assert_eq!(world.emulator.counters().polls(), 2);
    // Another process goes on at once.
    let login = world
        .another_process()
        .finish_device(device.flow.clone())
        .await
        .unwrap();
    assert_eq!(world.call_api(&login.account).await, 200);
}

#[tokio::test(start_paused = true)]
async fn tokens_that_come_after_the_caller_went_away_are_written() {
    for held_answer in [false, true] {
        let world = world();
        let device = start(&world).await;
        let faults = world.emulator.faults();
        let gate = match held_answer {
            false => faults.hold(Endpoint::Token),
            true => {
                approve(&world, &device);
                faults.hold_answers(Endpoint::Token)
            }
        };
        let finished = spawn_finish(&device);
        gate.arrived(1).await;
        finished.abort();
        assert!(finished.await.unwrap_err().is_cancelled());
        if !held_answer {
            approve(&world, &device);
        }
        gate.release();
        settle().await;
        assert_eq!(world.call_api(&world.account_elsewhere()).await, 200);
        assert_eq!(world.emulator.counters().polls(), 1);
        // The same call returns the login.
        let login = device.finish().await.unwrap();
        assert_eq!(world.call_api(&login.account).await, 200);
        assert_eq!(world.emulator.counters().polls(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_before_the_claim_leaves_nothing() {
    let world = world();
    let device = start(&world).await;
    world.store.hold_next_put();
    let finished = spawn_finish(&device);
    settle().await;
    finished.abort();
    settle().await;
    world.store.release();
    settle().await;
    assert!(pending(&world, &device.account).await.is_null());
    pass(seconds(30)).await;
    assert_eq!(world.emulator.counters().polls(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_pending_poll_after_the_caller_went_away_is_the_last() {
    let world = world();
    let device = start(&world).await;
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let finished = spawn_finish(&device);
    gate.arrived(1).await;
    finished.abort();
    settle().await;
    gate.release();
    pass(seconds(30)).await;
    assert_eq!(world.emulator.counters().polls(), 1);
    assert!(pending(&world, &device.account).await.is_null());
}

#[tokio::test(start_paused = true)]
async fn a_second_call_goes_on_when_the_first_goes_away() {
    let world = world();
    let device = start(&world).await;
    let (first, second) = (spawn_finish(&device), spawn_finish(&device));
    pass(INTERVAL * 2).await;
    assert_eq!(world.emulator.counters().outcomes("slow_down"), 0);
    first.abort();
    approve(&world, &device);
    let login = second.await.unwrap().unwrap();
    assert_eq!(world.call_api(&login.account).await, 200);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_the_polls_and_leaves_the_login() {
    let world = world();
    let device = start(&world).await;
    let finished = spawn_finish(&device);
    pass(INTERVAL).await;
    world.accounts.shutdown(seconds(10)).await.unwrap();
    let result = finished.await.unwrap();
    assert!(matches!(result, Err(Error::ShutDown)), "{result:?}");
    approve(&world, &device);
    let login = world
        .another_process()
        .finish_device(device.flow.clone())
        .await;
    assert!(login.is_ok(), "{login:?}");
}

#[tokio::test(start_paused = true)]
async fn the_poll_in_flight_of_a_shutdown_is_awaited() {
    let world = world();
    let device = start(&world).await;
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let finished = spawn_finish(&device);
    gate.arrived(1).await;
    approve(&world, &device);
    let accounts = world.accounts.clone();
    let down = tokio::spawn(async move { accounts.shutdown(seconds(30)).await });
    settle().await;
    assert!(!down.is_finished());
    gate.release();
    down.await.unwrap().unwrap();
    finished.await.unwrap().unwrap();
    assert_eq!(world.call_api(&world.account_elsewhere()).await, 200);
}
