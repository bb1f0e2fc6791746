//! The engine over Redis: many processes, one account, and a refresh token that works once.

mod child;
mod failover;
mod loopback;
mod monitor;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokenkeeper_emulator::{
    DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_REDIRECT_URI, DEFAULT_USER, Emulator,
    Endpoint, Fault,
};
use tokenkeeper_provider_amiqus::Amiqus;
use tokenkeeper_session::protocol::{Registration, TokenSet};
use tokenkeeper_session::{Account, Accounts, Options};
use tokenkeeper_store::Encrypted;
use tokenkeeper_store_redis::RedisStore;
use tokio::sync::Barrier;

use self::child::Child;
use self::loopback::Loopback;
use self::monitor::Monitor;
use crate::server::RedisServer;
use crate::support::{LIMIT, keyring, patient, until};

const PROCESSES: usize = 8;
const TASKS: usize = 64;

/// How long the token endpoint takes.
const ENDPOINT: Duration = Duration::from_millis(50);

/// What a process is: an engine with connections of its own.
async fn engine(redis: &str, base: &str) -> Accounts {
    let store = patient(redis).open(keyring()).await.expect("a store");
    engine_over(store, base)
}

fn engine_over(store: Encrypted<RedisStore>, base: &str) -> Accounts {
    let registration = Registration::new(DEFAULT_CLIENT_ID, DEFAULT_REDIRECT_URI);
    let registration = registration.expect("valid").secret(DEFAULT_CLIENT_SECRET);
    let provider = Amiqus::new(registration).and_then(|provider| provider.base(base));
    // No call ends for being slow.
    let options = Options {
        wait: LIMIT,
        deadline: LIMIT,
        lease: 3 * LIMIT,
        ..Options::default()
    };
    Accounts::builder(store)
        .provider(provider.expect("valid"))
        .transport(Loopback)
        .options(options)
        .build()
        .expect("an engine")
}

fn account(accounts: &Accounts) -> Account {
    accounts.account("amiqus", "user-42").expect("a name")
}

/// Tokens that live for an hour from that time on.
fn tokens(emulator: &Emulator, issued_at: SystemTime) -> TokenSet {
    let tokens = emulator.issue_tokens(DEFAULT_USER).expect("tokens");
    TokenSet::new(tokens.access_token)
        .with_refresh_token(tokens.refresh_token)
        .with_issued_at(issued_at)
        .with_expires_at(issued_at + Duration::from_secs(3600))
}

/// An emulator, and an account in Redis whose access token has expired.
struct World {
    server: RedisServer,
    emulator: Emulator,
}

impl World {
    async fn start() -> Self {
        let world = Self {
            server: RedisServer::start(&[]),
            emulator: Emulator::amiqus().start().await.expect("an emulator"),
        };
        let slow = Fault::Delay(ENDPOINT);
        world.emulator.faults().always(Endpoint::Token, slow);
        let engine = world.engine().await;
        let expired = tokens(
            &world.emulator,
            SystemTime::now() - Duration::from_secs(7200),
        );
        account(&engine).adopt(expired).await.expect("adopted");
        world.emulator.reset_counters();
        world
    }

    async fn engine(&self) -> Accounts {
        engine(&self.server.url(), self.emulator.base()).await
    }

    /// Engines that know the record and hear of changes.
    async fn engines(&self) -> Vec<Accounts> {
        let mut engines = Vec::new();
        for number in 0..PROCESSES {
            let engine = self.engine().await;
            // An engine listens from its first task on.
            let other = engine.account("amiqus", &format!("user-of-{number}"));
            let other = other.expect("a name");
            let adopted = other.adopt(tokens(&self.emulator, SystemTime::now()));
            adopted.await.expect("adopted");
            let status = account(&engine).status().await;
            assert!(status.is_ok(), "{status:?}");
            engines.push(engine);
        }
        tokio::task::block_in_place(|| {
            until("all to listen", || {
                let (_, count): (String, usize) =
                    self.server
                        .call(&["PUBSUB", "NUMSUB", "tokenkeeper:changes"]);
                count >= PROCESSES
            });
        });
        engines
    }
}

/// Each of so many tasks of each engine wants a token, all at once; returns those that they got.
async fn storm(engines: &[Accounts]) -> Vec<String> {
    let start = Arc::new(Barrier::new(engines.len() * TASKS));
    let mut tasks = Vec::new();
    for engine in engines {
        for _ in 0..TASKS {
            let (start, account) = (start.clone(), account(engine));
            tasks.push(tokio::spawn(async move {
                start.wait().await;
                let token = account.token().await.expect("a token");
                token.expose().to_owned()
            }));
        }
    }
    let mut tokens = Vec::new();
    for task in tasks {
        tokens.push(task.await.expect("a task"));
    }
    tokens
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_processes_with_64_tasks_each_make_one_token_request_ten_times() {
    for run in 0..10 {
        let world = World::start().await;
        let engines = world.engines().await;
        let tokens = storm(&engines).await;
        assert_eq!(tokens.len(), PROCESSES * TASKS);
        assert!(tokens.iter().all(|token| *token == tokens[0]), "run {run}");
        let counters = world.emulator.counters();
        assert_eq!(counters.token_requests, 1, "run {run}: {counters:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_is_two_round_trips_and_at_most_two_for_each_other_process() {
    let world = World::start().await;
    let engines = world.engines().await;
    let monitor = Monitor::start(&world.server).await;
    storm(&engines).await;
    let counts = monitor.stop().await;
    assert_eq!(world.emulator.counters().token_requests, 1);
    // By connection: each tries to take the attempt, once, and the one that did writes the result.
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
async fn processes_of_their_own_make_one_token_request() {
    let world = World::start().await;
    let mut children: Vec<Child> = (0..PROCESSES)
        .map(|_| Child::start(&world.server.url(), world.emulator.base()))
        .collect();
    tokio::task::block_in_place(|| {
        children.iter_mut().for_each(|child| child.hear("ready"));
        children.iter_mut().for_each(|child| child.say("go"));
        children.iter_mut().for_each(|child| child.hear("done 64"));
    });
    let counters = world.emulator.counters();
    assert_eq!(counters.token_requests, 1, "{counters:?}");
}
