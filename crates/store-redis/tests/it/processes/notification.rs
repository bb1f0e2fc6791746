//! Redis notifies a waiter when another process's refresh is done.

use std::time::Duration;

use tokenkeeper_emulator::Endpoint;

use super::World;
use super::monitor::Monitor;
use crate::storm::{account, patient};
use crate::support::until;

/// An interval that no caller waits for, so that neither polling nor revalidation can help.
const LONG: Duration = Duration::from_secs(60 * 60);

#[tokio::test(flavor = "multi_thread")]
async fn a_waiter_in_another_process_does_not_poll() {
    let world = World::start().await;
    let options = patient()
        .poll_interval(LONG)
        .revalidate_interval(LONG)
        .watched_revalidate_interval(LONG)
        .lease(4 * LONG);
    let engines = world.subscribed_engines(2, options).await;
    let (refresher, waiter) = (account(&engines[0]), account(&engines[1]));
    world.emulator.faults().clear_all();
    let answer = world.emulator.faults().hold_answers(Endpoint::Token);
    let monitor = Monitor::start(&world.server).await;

    let refreshing = tokio::spawn(async move { refresher.token().await });
    answer.arrived(1).await;
    let reads = world.server.calls_of("get");
    let waiting = tokio::spawn(async move { waiter.token().await });
    tokio::task::block_in_place(|| {
        until("the waiter to meet the attempt", || {
            world.server.calls_of("get") > reads
        });
    });
    answer.release();

    let waited = waiting.await.expect("a task").expect("a token");
    let refreshed = refreshing.await.expect("a task").expect("a token");
    assert_eq!(waited.expose(), refreshed.expose());
    assert_eq!(world.emulator.counters().token_requests, 1);
    // Per connection: one reads, writes the attempt and writes the result; the other reads the
    // attempt and the result.
    let mut calls: Vec<_> = monitor.stop().await.into_values().collect();
    calls.sort();
    assert_eq!(
        calls,
        [vec!["GET", "EVALSHA", "EVALSHA"], vec!["GET", "GET"]]
    );
}
