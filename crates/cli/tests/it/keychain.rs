//! The keychain as a place of keys and client secrets, where there is none.
//!
//! A keychain that answers is played in the command's own tests.

#![cfg(target_os = "linux")]

use std::process::{Command, Output};

use crate::{text, tokenkeeper, world::World};

/// Runs a command in a session without a bus.
fn run(mut command: Command) -> Output {
    let nowhere = "unix:path=/no/such/bus";
    command
        .env("DBUS_SESSION_BUS_ADDRESS", nowhere)
        .output()
        .unwrap()
}

fn assert_refused(output: &Output, words: &[&str]) {
    let error = text(&output.stderr);
    // It may answer later.
    assert_eq!(output.status.code(), Some(4), "{error}");
    for word in words {
        assert!(error.contains(word), "{word}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_in_a_keychain_out_of_reach_are_named_with_the_remedy() {
    let world = World::connected().await;
    world.reconfigure(|config| config.replace("keys = \"keys\"", "keys = \"keychain:work\""));
    let remedy = &["`work` of the keychain", "cannot be reached", "in a file"];
    assert_refused(&run(world.command(&["status", "plain"])), remedy);

    let doctor = run(world.command(&["doctor"]));
    assert_eq!(doctor.status.code(), Some(1));
    let report = text(&doctor.stdout);
    let problem = report
        .lines()
        .find(|line| line.starts_with("problem  keys: "));
    for word in remedy {
        assert!(problem.expect(report).contains(word), "{report}");
    }

    // A file that is named comes first.
    let keys = world.path("keys");
    let output = run(world.command(&["status", "plain", "--keys", keys.to_str().unwrap()]));
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_in_a_keychain_out_of_reach_is_named_with_the_remedy() {
    let world = World::connected().await;
    let secret = |config: &str| {
        let lines = config
            .lines()
            .map(|line| match line.starts_with("client_secret") {
                true => "client_secret_keychain = \"plain\"",
                false => line,
            });
        lines.collect::<Vec<_>>().join("\n")
    };
    world.reconfigure(secret);
    let remedy = &["`plain` of the keychain", "cannot be reached", "in a file"];
    assert_refused(&run(world.command(&["status", "plain"])), remedy);

    let doctor = text(&run(world.command(&["doctor"])).stdout).to_owned();
    assert!(doctor.contains("problem  plain: client: "), "{doctor}");

    // The variable of the provider comes first.
    let mut command = world.command(&["status", "plain"]);
    command.env(
        "TOKENKEEPER_PLAIN_SECRET",
        tokenkeeper_emulator::DEFAULT_CLIENT_SECRET,
    );
    assert!(run(command).status.success());
}

#[test]
fn a_keychain_out_of_reach_takes_no_secret() {
    for arguments in [&["keychain", "draw"][..], &["keychain", "remove", "github"]] {
        assert_refused(&run(tokenkeeper(arguments)), &["cannot be reached"]);
    }
    let mut set = tokenkeeper(&["keychain", "set", "github", "--stdin"]);
    set.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/no/such/bus");
    set.stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let output = crate::world::feed(set, b"hunter2\n");
    assert_refused(&output, &["cannot be reached"]);
    assert!(!text(&output.stderr).contains("hunter2"));
}
