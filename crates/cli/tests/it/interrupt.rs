//! Signals in the middle of a command: what the provider has issued is written.

#![cfg(unix)]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, Command, Stdio},
};

use serde_json::json;
use tokenkeeper_emulator::{Emulator, Endpoint, Gate, PlainOptions};

use crate::{
    browser,
    world::{LOOPBACK, World},
};

fn signal(process: &Child, name: &str) {
    let id = process.id().to_string();
    let sent = Command::new("kill").args([name, &id]).status().unwrap();
    assert!(sent.success());
}

/// Sends a signal while the provider's answer is held, and returns the exit status.
async fn interrupt(mut process: Child, gate: Gate, name: &str) -> i32 {
    gate.arrived(1).await;
    signal(&process, name);
    let mut stderr = BufReader::new(process.stderr.take().unwrap());
    let mut line = String::new();
    // It has the signal, and waits for the answer.
    while !line.contains("Stopping") {
        line.clear();
        assert_ne!(stderr.read_line(&mut line).unwrap(), 0);
    }
    gate.release();
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    assert!(
        rest.contains("everything that had arrived is written"),
        "{rest}"
    );
    process.wait().unwrap().code().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_that_is_interrupted_is_written() {
    let world = World::connected().await;
    for (name, code, generation) in [("-INT", 130, 2), ("-TERM", 143, 3), ("-HUP", 129, 4)] {
        let gate = world.emulator.faults().hold_answers(Endpoint::Token);
        let process = world.command(&["refresh", "plain"]).spawn().unwrap();
        assert_eq!(interrupt(process, gate, name).await, code);
        let status = world.json(&["status", "plain"]);
        assert_eq!(status["generation"], generation, "{status}");
        assert_eq!(status["health"], "healthy", "{status}");
    }
    assert!(
        world
            .run(&["request", "GET", &world.api()])
            .status
            .success()
    );
    assert_eq!(world.emulator.counters().presented_after_answer(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_interrupted_is_written() {
    let world = World::start().await;
    let started = world.json(&["login", "plain", "--start"]);
    let answer = browser::approve(started["url"].as_str().unwrap());
    let input = json!({ "flow": started["flow"], "answer": answer }).to_string();

    let gate = world.emulator.faults().hold_answers(Endpoint::Token);
    let mut login = world.command(&["login", "plain", "--finish"]);
    let mut process = login.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = process.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    assert_eq!(interrupt(process, gate, "-INT").await, 130);

    assert_eq!(world.json(&["status", "plain"])["health"], "healthy");
    assert_eq!(world.emulator.counters().exchanges(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_waits_for_the_browser_is_interrupted_at_once() {
    let options = PlainOptions::default().any_loopback_port();
    let world = World::with(Emulator::plain().options(options)).await;
    world.configure(&format!("redirect_uri = {LOOPBACK:?}\n"));
    let mut process = world
        .command(&["login", "plain", "--no-browser"])
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(process.stderr.take().unwrap());
    let mut shown = String::new();
    while !shown.contains("http") {
        assert_ne!(stderr.read_line(&mut shown).unwrap(), 0, "{shown}");
    }
    signal(&process, "-INT");
    stderr.read_to_string(&mut shown).unwrap();
    assert_eq!(process.wait().unwrap().code(), Some(130), "{shown}");
    assert_eq!(world.status(), 3);
    assert_eq!(world.emulator.counters().token_requests, 0);
    world.log_in(&["plain"]);
    assert_eq!(world.status(), 0);
}
