//! The engine over Redis: many processes, one account, and a refresh token that works once.

mod failover;
mod monitor;
mod notification;
mod outage;

use std::time::SystemTime;

use tokenkeeper_emulator::Emulator;
use tokenkeeper_engine::{Account, Accounts, Options};

use self::monitor::Monitor;
use crate::server::RedisServer;
use crate::storm::{
    PROCESSES, TASKS, account, engine_with, expired, patient, storm, storms_of_processes, tokens,
};
use crate::support::{sealed, until};

/// An emulator, and an account in Redis whose access token has expired.
struct World {
    server: RedisServer,
    emulator: Emulator,
}

impl World {
    async fn start() -> Self {
        let server = RedisServer::start(&[]);
        let emulator = expired(&server.url()).await;
        Self { server, emulator }
    }

    /// Starts engines that have read the record and are subscribed to changes.
    async fn engines(&self) -> Vec<Accounts> {
        let engines = self.subscribed_engines(PROCESSES, patient()).await;
        for engine in &engines {
            let status = account(engine).status().await;
            assert!(status.is_ok(), "{status:?}");
        }
        engines
    }

    async fn subscribed_engines(&self, count: usize, options: Options) -> Vec<Accounts> {
        let mut engines = Vec::new();
        for number in 0..count {
            let store = sealed(&self.server.url()).await;
            let engine = engine_with(store, self.emulator.base(), options.clone());
            // An engine subscribes with its first task.
            let other = engine.account("amiqus", &format!("user-of-{number}"));
            let other = other.expect("a name");
            let adopted = other.adopt(tokens(&self.emulator, SystemTime::now()));
            adopted.await.expect("adopted");
            engines.push(engine);
        }
        tokio::task::block_in_place(|| {
            until("every subscription, and no other", || {
                let (_, listening): (String, usize) =
                    self.server
                        .call(&["PUBSUB", "NUMSUB", "tokenkeeper:changes"]);
                listening == count
            });
        });
        engines
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_engines_make_one_token_request() {
    for run in 0..10 {
        let world = World::start().await;
        let engines = world.engines().await;
        let tokens = storm(&accounts(&engines)).await;
        assert_eq!(tokens.len(), PROCESSES * TASKS);
        assert!(tokens.iter().all(|token| *token == tokens[0]), "run {run}");
        let counters = world.emulator.counters();
        assert_eq!(counters.token_requests, 1, "run {run}: {counters:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_is_at_most_two_round_trips_per_process() {
    let world = World::start().await;
    let engines = world.engines().await;
    let monitor = Monitor::start(&world.server).await;
    storm(&accounts(&engines)).await;
    let counts = monitor.stop().await;
    assert_eq!(world.emulator.counters().token_requests, 1);
    // Per connection: each tries once to write an attempt, and the winner writes the result.
    assert!(counts.len() <= PROCESSES, "{counts:#?}");
    let mut refreshers = 0;
    for commands in counts.values() {
        assert!(commands.len() <= 2, "{counts:#?}");
        let writes = commands.iter().filter(|name| *name == "EVALSHA").count();
        refreshers += usize::from(writes == 2);
    }
    assert_eq!(refreshers, 1, "{counts:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_processes_make_one_token_request() {
    let server = RedisServer::start(&[]);
    storms_of_processes(&server.url()).await;
}

fn accounts(engines: &[Accounts]) -> Vec<Account> {
    engines.iter().map(account).collect()
}
