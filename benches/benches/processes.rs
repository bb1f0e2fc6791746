//! Processes on one Redis, with 64 tasks each, meet an expired token at once; an endpoint takes 50 ms. Counted: requests to it, and calls of
//! Redis. Timed: from its answer to the last task of the last process, beside a call of Redis.
//!
//! A process is an engine with connections of its own.

mod redis;

use std::{
    process::Command,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use tokenkeeper_benches::{Answer, Endpoint, Line, accounts_over, expired, millis, plot, tokens};
use tokenkeeper_engine::{
    Account, Accounts, TokenSource,
    store::{Key, TokenStore},
};
use tokenkeeper_store_redis::RedisStore;

use redis::Server;

const TAKES: Duration = Duration::from_millis(50);
const TASKS: usize = 64;
const RUNS: usize = 7;

#[tokio::main]
async fn main() {
    let server = Server::start().await;
    println!(
        "| processes | token requests | calls of Redis, all together | the last after the answer | a call of Redis |\n|---|---|---|---|---|"
    );
    let mut points = Vec::new();
    for processes in [1, 2, 4, 8, 16] {
        let mut runs = Vec::new();
        for run in 0..RUNS {
            let prefix = format!("bench-{processes}-{run}:");
            runs.push(storm(&server, &prefix, processes).await);
        }
        runs.sort_by_key(|run| run.last);
        let median = &runs[RUNS / 2];
        let most = |count: fn(&Run) -> usize| runs.iter().map(count).max().unwrap_or_default();
        println!(
            "| {processes} | {} | {} | {:.2} ms | {:.2} ms |",
            most(|run| run.requests),
            most(|run| run.calls),
            millis(median.last),
            millis(median.call),
        );
        points.push((processes as f64, millis(median.last).max(0.001)));
    }
    if let Some(file) = std::env::var_os("PLOT") {
        let line = Line {
            name: "tokenkeeper".to_owned(),
            points,
        };
        let svg = plot(
            "Processes of 64 tasks that wait for one refresh",
            "processes",
            "ms from the endpoint's answer to the last task",
            &[line],
        );
        std::fs::write(file, svg).expect("the plot can be written");
    }
}

struct Run {
    requests: usize,
    calls: usize,
    last: Duration,
    /// The median of a call.
    call: Duration,
}

async fn storm(server: &Server, prefix: &str, processes: usize) -> Run {
    let endpoint = Endpoint::new(Answer::Tokens, TAKES);
    let mut engines: Vec<Accounts> = Vec::new();
    for number in 0..processes {
        let engine = accounts_over(server.store(prefix).await, endpoint.clone());
        // It listens for changes from its first write on.
        let other = account(&engine, &format!("other-{number}"));
        let valid = tokens(Duration::from_secs(3600));
        other.adopt(valid).await.expect("Redis takes every write");
        engines.push(engine);
    }
    expired(&engines[0], "shared").await;
    for engine in &engines {
        let status = account(engine, "shared").status().await;
        status.expect("Redis answers");
    }
    while listeners(server, prefix) < processes {
        tokio::task::yield_now().await;
    }

    ask(server, &["CONFIG", "RESETSTAT"]);
    let waiting: Vec<_> = (0..processes * TASKS)
        .map(|task| {
            let account = account(&engines[task % processes], "shared");
            tokio::spawn(async move {
                let token = TokenSource::credential(&account, true).await;
                token.expect("the endpoint answers");
                Instant::now()
            })
        })
        .collect();
    let ends = join_all(waiting).await.into_iter();
    let last = ends.map(|end| end.expect("no task panics")).max();
    let last = last.expect("there is a task");
    let writes = calls(server, "evalsha");
    // A write that meets a conflict reads within its script.
    let conflicts = writes - calls(server, "set");
    let reads = calls(server, "get") - conflicts;
    Run {
        requests: endpoint.requests(),
        calls: writes + reads,
        last: last.saturating_duration_since(endpoint.answered().expect("it was asked")),
        call: call(&server.store(prefix).await).await,
    }
}

fn account(engine: &Accounts, subject: &str) -> Account {
    engine
        .account("amiqus", subject)
        .expect("the subject is not empty")
}

async fn call(store: &RedisStore) -> Duration {
    let key = Key::new("amiqus", "https://id.amiqus.co", "client-1", "nobody");
    let key = key.expect("no field is too long");
    let mut calls = Vec::new();
    for _ in 0..101 {
        let start = Instant::now();
        store.get(&key).await.expect("Redis answers");
        calls.push(start.elapsed());
    }
    calls.sort();
    calls[calls.len() / 2]
}

/// The answer of Redis to a command.
fn ask(server: &Server, command: &[&str]) -> String {
    let asked = Command::new("redis-cli")
        .args(["-p", &server.port.to_string()])
        .args(command)
        .output()
        .expect("redis-cli is installed");
    String::from_utf8(asked.stdout).expect("the answer is a text")
}

fn listeners(server: &Server, prefix: &str) -> usize {
    let answer = ask(server, &["PUBSUB", "NUMSUB", &format!("{prefix}changes")]);
    let count = answer.lines().last().expect("a count");
    count.parse().expect("a number")
}

fn calls(server: &Server, command: &str) -> usize {
    let stats = ask(server, &["INFO", "commandstats"]);
    let line = format!("cmdstat_{command}:calls=");
    let found = stats.lines().find_map(|stat| stat.strip_prefix(&line));
    let count = found.and_then(|rest| rest.split(',').next());
    count.map_or(0, |count| count.parse().expect("a number"))
}
