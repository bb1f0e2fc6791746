//! `worker`.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    net::TcpListener,
    process::{Child, ChildStderr, Command, Stdio},
    time::Duration,
};

use serde_json::Value;
use tokenkeeper::{
    sqlite::SqliteStore,
    store::{Entry, Keyring, TokenStore as _, Version},
};
use tokenkeeper_emulator::{Emulator, Endpoint};

use crate::{
    browser, run,
    store::{OLD, key},
    text, tokenkeeper,
    world::World,
};

/// A running worker.
struct Worker {
    process: Child,
    /// Where it listens.
    urls: Value,
    stderr: BufReader<ChildStderr>,
}

impl Worker {
    fn start(world: &World, arguments: &[&str]) -> Self {
        let fixed = ["worker", "--json", "--listen", "127.0.0.1:0"];
        let mut process = world.command(&[&fixed, arguments].concat());
        process.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = process.spawn().unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let mut stderr = BufReader::new(process.stderr.take().unwrap());
        let urls = serde_json::from_str(&line).unwrap_or_else(|_| {
            let mut error = String::new();
            stderr.read_to_string(&mut error).unwrap();
            panic!("{error}")
        });
        Self {
            process,
            urls,
            stderr,
        }
    }

    /// Returns the status line and the body of a page.
    fn get(&self, page: &str) -> (String, String) {
        let response = browser::get(self.urls[page].as_str().unwrap());
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        (head.lines().next().unwrap().to_owned(), body.to_owned())
    }

    /// Sends SIGTERM, and waits until the worker says that it drains.
    fn terminate(&mut self) {
        let process = self.process.id().to_string();
        let killed = Command::new("kill").args(["-TERM", &process]).status();
        assert!(killed.unwrap().success());
        let mut line = String::new();
        while !line.contains("draining") {
            line.clear();
            assert_ne!(self.stderr.read_line(&mut line).unwrap(), 0);
            let entry: Value = serde_json::from_str(&line).unwrap();
            assert!(entry["level"].is_string(), "{line}");
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts an emulator whose tokens are due as soon as they are issued, and logs in.
async fn due_account() -> World {
    let emulator = Emulator::plain().access_token_lifetime(Duration::from_secs(1));
    let world = World::with(emulator).await;
    world.log_in(&["plain"]);
    world
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn sigterm_lets_a_refresh_in_flight_be_written() {
    let world = due_account().await;
    let gate = world.emulator.faults().hold_answers(Endpoint::Token);
    let mut worker = Worker::start(&world, &[]);
    gate.arrived(1).await;
    worker.terminate();
    // It answers until the end, but balancers are told.
    let (status, body) = worker.get("health");
    assert!(
        status.contains("503") && body.contains("draining"),
        "{status} {body}"
    );
    gate.release();
    assert!(worker.process.wait().unwrap().success());
    let status = world.json(&["status", "plain"]);
    assert_eq!(status["generation"], 2, "{status}");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_drain_that_is_too_short_fails_and_says_so() {
    let world = due_account().await;
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let mut worker = Worker::start(&world, &["--drain-timeout", "0s"]);
    gate.arrived(1).await;
    worker.terminate();
    assert_eq!(worker.process.wait().unwrap().code(), Some(1));
    let mut rest = String::new();
    worker.stderr.read_to_string(&mut rest).unwrap();
    assert!(
        rest.contains("1 account(s) have tokens that are not written"),
        "{rest}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_shows_its_health_and_its_metrics() {
    let world = due_account().await;
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let worker = Worker::start(&world, &[]);
    gate.arrived(1).await;
    let (status, body) = worker.get("health");
    assert!(status.contains("200"), "{status} {body}");
    let health: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(health["status"], "ok");
    assert_eq!(health["providers"][0]["provider"], "plain");
    assert_eq!(health["providers"][0]["in_flight"], 1, "{health}");

    // The second refresh shows that the first one is over.
    gate.let_through(1);
    gate.arrived(2).await;
    let (status, metrics) = worker.get("metrics");
    assert!(status.contains("200"), "{status}");
    let requests: Vec<_> = metrics
        .lines()
        .filter(|line| line.starts_with("tokenkeeper_token_requests_total{"))
        .collect();
    assert_eq!(requests.len(), 1, "{metrics}");
    assert!(
        requests[0].contains("class=\"ok\"") && requests[0].ends_with(" 1"),
        "{metrics}"
    );
    assert!(
        metrics.contains("tokenkeeper_token_request_duration_seconds_bucket{"),
        "{metrics}"
    );
}

// A reader that does not end, in a file whose log is long enough to be a danger.
#[tokio::test(flavor = "multi_thread")]
async fn a_failing_store_is_unhealthy_with_its_reason() {
    let world = World::start().await;
    world.log_in(&["plain"]);
    let worker = Worker::start(&world, &[]);
    let file = world.path("accounts.db");
    let reader = rusqlite::Connection::open(&file).unwrap();
    reader
        .execute_batch("BEGIN; SELECT count(*) FROM entries")
        .unwrap();
    let keyring: Keyring = OLD.parse().unwrap();
    let store = SqliteStore::open(&file, keyring).await.unwrap();
    let entry = Entry::new(Version::random(), "value");
    let put = store.put(&key("new"), &entry, None).await.unwrap();
    assert!(put.is_applied());
    let log = world.path("accounts.db-wal");
    let log = std::fs::OpenOptions::new().write(true).open(log).unwrap();
    // Without blocks on the disk.
    log.set_len(1 << 30).unwrap();
    // A check at the moment of another one, or of a checkpoint, sees no reader.
    let (status, body) = std::iter::repeat_with(|| worker.get("health"))
        .find(|(status, _)| !status.contains("200"))
        .unwrap();
    assert!(status.contains("503"), "{status} {body}");
    let health: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(health["status"], "store_fails");
    assert!(
        health["store"]
            .as_str()
            .unwrap()
            .contains("a reader does not end"),
        "{body}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_cannot_begin_names_the_remedy() {
    let world = World::start().await;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = world.run(&["worker", "--listen", &address]);
    assert_eq!(output.status.code(), Some(2));
    let error = text(&output.stderr);
    assert!(
        error.contains(&address) && error.contains("--listen"),
        "{error}"
    );

    let mut unreadable = world.command(&["worker", "--listen", "127.0.0.1:0"]);
    let output = unreadable
        .env("RUST_LOG", "tokenkeeper=loud")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("RUST_LOG cannot be read"));

    world.write("empty.toml", "");
    let config = world.path("empty.toml");
    let store = format!("sqlite:{}", world.path("new.db").display());
    let keys = world.path("keys");
    let mut empty = tokenkeeper(&["worker", "--listen", "127.0.0.1:0", "--store", &store]);
    let empty = empty.arg("--config").arg(config).arg("--keys").arg(keys);
    let output = empty.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("no provider is configured"));

    for refused in [["--drain-timeout", "soon"], ["--listen", "localhost"]] {
        let output = run(&["worker", refused[0], refused[1]]);
        assert_eq!(output.status.code(), Some(2), "{refused:?}");
    }
}
