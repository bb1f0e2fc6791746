//! `run`: a program with a token.

#![cfg(unix)]

use std::os::unix::process::ExitStatusExt as _;

use crate::{text, world::World};

#[tokio::test(flavor = "multi_thread")]
async fn a_program_gets_the_token_in_a_variable() {
    let world = World::connected().await;
    let token = world.token();
    let script = "printf %s \"$GH_TOKEN\"; exit 7";
    let output = world.run(&[
        "run", "plain", "--env", "GH_TOKEN", "--", "sh", "-c", script,
    ]);
    assert_eq!(output.status.code(), Some(7), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), token);

    let default = "printf %s \"$TOKENKEEPER_TOKEN\"";
    let output = world.run(&["run", "plain", "--", "sh", "-c", default]);
    assert_eq!(text(&output.stdout), token);
}

/// The program takes the place of the command: it gets its signals, and is killed by them.
#[tokio::test(flavor = "multi_thread")]
async fn the_program_is_the_process_that_was_started() {
    let world = World::connected().await;
    let script = "echo $$; kill -TERM $$; exit 1";
    let process = world.command(&["run", "plain", "--", "sh", "-c", script]);
    let process = { process }.spawn().unwrap();
    let id = process.id().to_string();
    let output = process.wait_with_output().unwrap();
    assert_eq!(text(&output.stdout).trim(), id);
    assert_eq!(output.status.signal(), Some(15));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_does_not_start_is_named() {
    let world = World::connected().await;
    for (program, code) in [("/no/such/program", 127), ("/", 126)] {
        let output = world.run(&["run", "plain", "--", program]);
        assert_eq!(output.status.code(), Some(code));
        assert!(text(&output.stderr).contains("cannot be run"));
    }
    for arguments in [
        &["run", "plain"][..],
        &["run", "plain", "--env", "A=B", "--", "true"],
    ] {
        assert_eq!(world.run(arguments).status.code(), Some(2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_program_runs_without_a_token() {
    let world = World::start().await;
    let output = world.run(&["run", "plain", "--", "echo", "started"]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(text(&output.stdout), "");
}
