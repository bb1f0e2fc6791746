//! Processes on one Redis, with 64 tasks each, that meet an expired token at once.
//!
//! The endpoint takes 50 ms. Counted: requests to it, and calls of Redis. Timed: from its answer to
//! the last task of the last process, and a call of Redis. A process is an engine with its own
//! connections.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokenkeeper_benches::{
    Answer, Endpoint, RedisServer, Scale, account, accounts_over, connect, expired, millis, tokens,
    write_plot,
};
use tokenkeeper_engine::{
    Accounts, TokenSource,
    store::{Key, TokenStore},
};
use tokenkeeper_store_redis::RedisStore;

const LATENCY: Duration = Duration::from_millis(50);
const TASKS: usize = 64;
const RUNS: usize = 7;

#[tokio::main]
async fn main() {
    let Some(server) = RedisServer::start().await else {
        return;
    };
    println!(
        "| processes | token requests | calls of Redis, all together \
         | the last after the answer | a call of Redis |\n|---|---|---|---|---|"
    );
    let scale = Scale::from_args();
    let sizes = [1, 2, 4, 8, 16];
    let repeats = scale.pick(1, RUNS);
    let mut points = Vec::new();
    for &processes in scale.pick(&sizes[..2], &sizes) {
        let mut runs = Vec::new();
        for run in 0..repeats {
            let prefix = format!("bench-{processes}-{run}:");
            runs.push(storm(&server, &prefix, processes).await);
        }
        runs.sort_by_key(|run| run.last);
        let median = &runs[repeats / 2];
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
    let title = "Processes of 64 tasks that wait for one refresh";
    write_plot(title, "processes", points);
}

/// The outcome of one run.
struct Run {
    requests: usize,
    calls: usize,
    last: Duration,
    /// The median time of a call of Redis.
    call: Duration,
}

async fn storm(server: &RedisServer, prefix: &str, processes: usize) -> Run {
    let endpoint = Endpoint::new(Answer::Tokens, LATENCY);
    let mut engines: Vec<Accounts> = Vec::new();
    for number in 0..processes {
        let engine = accounts_over(server.store(prefix).await, endpoint.clone());
        // The engine listens for changes after its first write.
        let valid = tokens(Duration::from_secs(3600));
        connect(&engine, &format!("other-{number}"), valid).await;
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

    let _ = server.ask(&["CONFIG", "RESETSTAT"]);
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
    let writes = server.calls("evalsha");
    // A write that meets a conflict reads within its script.
    let conflicts = writes - server.calls("set");
    let reads = server.calls("get") - conflicts;
    Run {
        requests: endpoint.requests(),
        calls: writes + reads,
        last: last.saturating_duration_since(endpoint.answered().expect("it was asked")),
        call: call(&server.store(prefix).await).await,
    }
}

/// Returns the median time of a call.
async fn call(store: &RedisStore) -> Duration {
    let key = Key::new("amiqus", "https://id.amiqus.co", "client-1", "absent");
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

fn listeners(server: &RedisServer, prefix: &str) -> usize {
    let answer = server.ask(&["PUBSUB", "NUMSUB", &format!("{prefix}changes")]);
    let count = answer.lines().last().expect("a count");
    count.parse().expect("a number")
}
