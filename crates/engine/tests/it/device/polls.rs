//! When a device polls (RFC 8628 §3.5), and what it writes meanwhile.

use serde_json::json;
use tokenkeeper_emulator::{Endpoint, Fault, PlainOptions};

use super::*;
use crate::harness::{StoreFault, settle};

#[tokio::test(start_paused = true)]
async fn a_device_polls_until_the_person_approves() {
    let world = world();
    let device = start(&world).await;
    let finished = spawn_finish(&device);
    pass(JUST_BEFORE).await;
    assert_eq!(
        world.emulator.counters().polls(),
        0,
        "the first poll waits too"
    );
    pass(INTERVAL * 2).await;
    assert_eq!(
        world.emulator.counters().outcomes("authorization_pending"),
        2
    );
    assert!(!finished.is_finished());
    approve(&world, &device);
    let login = finished.await.unwrap().unwrap();
    assert_eq!(world.call_api(&login.account).await, 200);
    let elsewhere = world.account_elsewhere();
    assert_eq!(world.call_api(&elsewhere).await, 200);
    let counters = world.emulator.counters();
    assert_eq!((counters.polls(), counters.outcomes("slow_down")), (3, 0));
    assert!(pending(&world, &device.account).await.is_null());
}

#[tokio::test(start_paused = true)]
async fn each_slow_down_lengthens_the_interval_for_good() {
    let world = world();
    let device = start(&world).await;
    let slow_down = Fault::json(400, &json!({"error": "slow_down"}));
    world.emulator.faults().next(Endpoint::Token, 2, slow_down);
    let finished = spawn_finish(&device);
    // Polls at 5, 15, 30, 45 and 60 seconds.
    for (until, polls) in [
        (14, 1),
        (16, 2),
        (29, 2),
        (31, 3),
        (44, 3),
        (46, 4),
        (61, 5),
    ] {
        let now = elapsed(&world);
        pass(seconds(until) - now).await;
        assert_eq!(world.emulator.counters().polls(), polls, "{until} s");
    }
    approve(&world, &device);
    finished.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_interval_that_is_not_stated_is_five_seconds() {
    let world = world_with(PlainOptions::default().omit_device_interval());
    let device = start(&world).await;
    let finished = spawn_finish(&device);
    pass(seconds(51)).await;
    assert_eq!(world.emulator.counters().polls(), 10);
    finished.abort();
}

#[tokio::test(start_paused = true)]
async fn polls_without_an_answer_back_off_exponentially() {
    let world = world();
    let device = start(&world).await;
    world
        .emulator
        .faults()
        .next(Endpoint::Token, 5, Fault::CutAfterBody);
    let finished = spawn_finish(&device);
    // Polls at 5, 15, 35, 75 and 135 seconds: a pause is at most a minute.
    pass(seconds(134)).await;
    assert_eq!(world.emulator.counters().polls(), 4);
    pass(seconds(62)).await;
    assert_eq!(world.emulator.counters().polls(), 6);
    // An answer ends the backoff.
    pass(seconds(11)).await;
    assert_eq!(world.emulator.counters().polls(), 8);
    approve(&world, &device);
    finished.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_busy_server_is_given_the_time_that_it_asks_for() {
    let world = world();
    let device = start(&world).await;
    let busy = Fault::Unavailable {
        retry_after: Some(90),
    };
    world.emulator.faults().once(Endpoint::Token, busy);
    let finished = spawn_finish(&device);
    pass(seconds(94)).await;
    assert_eq!(world.emulator.counters().polls(), 1);
    approve(&world, &device);
    finished.await.unwrap().unwrap();
    assert_eq!(world.emulator.counters().polls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_quarter_of_an_hour_of_polls_takes_few_writes() {
    let world = world();
    let device = start(&world).await;
    let finished = spawn_finish(&device);
    pass(seconds(15 * 60)).await;
    let trips = world.store.round_trips();
    assert!(world.emulator.counters().polls() >= 179);
    assert!(trips <= 50, "{trips} round trips");
    approve(&world, &device);
    finished.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn no_poll_is_sent_whose_tokens_could_not_be_written() {
    let world = world();
    let device = start(&world).await;
    world.store.fail(usize::MAX, StoreFault::Refuse);
    let down = spawn_finish(&device).await.unwrap();
    assert!(matches!(down, Err(Error::Store { .. })), "{down:?}");
    assert_eq!(world.emulator.counters().polls(), 0);
    // The store goes away while the device polls.
    world.store.recover();
    let finished = spawn_finish(&device);
    pass(INTERVAL * 2).await;
    world.store.fail(usize::MAX, StoreFault::Refuse);
    let down = finished.await.unwrap();
    assert!(matches!(down, Err(Error::Store { .. })), "{down:?}");
    let polls = world.emulator.counters().polls();
    pass(seconds(120)).await;
    assert_eq!(world.emulator.counters().polls(), polls);
    // The same login goes on.
    world.store.recover();
    approve(&world, &device);
    let login = device.finish().await.unwrap();
    assert_eq!(world.call_api(&login.account).await, 200);
}

#[tokio::test(start_paused = true)]
async fn a_short_outage_of_the_store_is_not_noticed() {
    let world = world();
    let device = start(&world).await;
    let finished = spawn_finish(&device);
    pass(INTERVAL).await;
    // The renewals of the next seconds fail.
    world.store.fail(2, StoreFault::LoseReply);
    pass(seconds(60)).await;
    assert!(!finished.is_finished());
    approve(&world, &device);
    finished.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_poll_at_a_time_holds_its_claim_while_it_hangs() {
    let world = world();
    let device = start(&world).await;
    let other = world.another_process();
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let first = spawn_finish(&device);
    gate.arrived(1).await;
    let (flow, there) = (device.flow.clone(), other.clone());
    let second = tokio::spawn(async move { there.finish_device(flow).await });
    // Longer than the lease of the claim.
    pass(seconds(150)).await;
    assert_eq!(world.emulator.counters().polls(), 1);
    approve(&world, &device);
    gate.release();
    assert!(first.await.unwrap().is_ok() && second.await.unwrap().is_ok());
    settle().await;
    assert_eq!(world.emulator.counters().outcomes("granted"), 1);
}
