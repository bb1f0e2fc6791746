//! A Redis that dies during a refresh.

use tokenkeeper_emulator::Endpoint;

use crate::server::RedisServer;
use crate::storm::{account, engine, expired};
use crate::support::until;

#[tokio::test(flavor = "multi_thread")]
async fn tokens_received_during_an_outage_are_written_later() {
    let mut server = RedisServer::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let emulator = expired(&server.url()).await;
    emulator.faults().clear_all();
    let answer = emulator.faults().hold_answers(Endpoint::Token);
    let process = engine(&server.url(), emulator.base()).await;
    let account_there = account(&process);
    let asked = tokio::spawn(async move { account_there.token().await });
    tokio::task::block_in_place(|| {
        until("the token request", || {
            emulator.counters().token_requests == 1
        });
        server.kill();
    });
    answer.release();
    let served = asked.await.expect("a task").expect("a token");

    tokio::task::block_in_place(|| server.start_again());
    let other = engine(&server.url(), emulator.base()).await;
    // It reads the attempt, or already its result.
    let theirs = account(&other).token().await.expect("a token");
    assert_eq!(theirs.expose(), served.expose());
    assert_eq!(emulator.counters().token_requests, 1);
}
