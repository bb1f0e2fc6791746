//! Commands that read stdin: what they read is shown nowhere, and a signal ends them.

use std::{
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tokenkeeper_emulator::{DEFAULT_USER, Emulator};

use crate::{text, world::World};

/// How long a command may take until it handles signals, before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_in_a_wrong_form_is_shown_nowhere() {
    let world = World::start().await;
    let address = "http://127.0.0.1/callback?code=SECRET&state=x";
    for (input, problem) in [
        (format!("{address:?}"), "not valid at line 1 column 47"),
        (
            format!("{{\"answer\": [{address:?}]}}"),
            "not valid at line",
        ),
        (
            format!("{{\"flow\": {{\"{address}\": 1}}}}"),
            "not valid at line",
        ),
        (address.to_owned(), "not valid at line 1 column 1"),
        ("SECRET".repeat(50_000), "stdin is longer than 256 KiB"),
    ] {
        for device in [&[][..], &["--device"]] {
            let login = [&["login", "plain", "--finish"], device].concat();
            let output = world.run_with(&login, input.as_bytes());
            let error = text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{error}");
            assert!(error.contains("stdin is "), "{error}");
            assert!(!error.contains("SECRET"), "{error}");
            if device.is_empty() {
                assert!(error.contains(problem), "{error}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_a_command_that_waits_for_its_input() {
    let world = World::connected().await;
    let ioffice = World::with(Emulator::ioffice()).await;
    ioffice.reconfigure(|config| config.replace("\"rfc6749\"", "\"ioffice\""));
    let password = ["login", "plain", "--user", DEFAULT_USER, "--password-stdin"];
    let commands: [(&World, &[&str]); 7] = [
        (&world, &["login", "plain", "--finish"]),
        (&world, &["login", "plain", "--device", "--finish"]),
        (&world, &["token", "plain", "--format", "git", "get"]),
        (&world, &["token", "plain", "--format", "docker", "get"]),
        (&world, &["keychain", "set", "github", "--stdin"]),
        (&world, &["import"]),
        (&ioffice, &password),
    ];
    for (world, arguments) in commands {
        for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
            let mut process = world.command(arguments);
            let mut process = process.stdin(Stdio::piped()).spawn().unwrap();
            // Open until the command has ended.
            let stdin = process.stdin.take();
            wait_for_handlers(&mut process);
            let id = process.id().to_string();
            let sent = Command::new("kill").args([signal, &id]).status().unwrap();
            assert!(sent.success());
            let output = process.wait_with_output().unwrap();
            drop(stdin);
            let error = text(&output.stderr);
            assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
        }
    }
}

/// Waits until a command handles the last one of its signals, SIGHUP.
fn wait_for_handlers(process: &mut Child) {
    let deadline = Instant::now() + PATIENCE;
    let status = format!("/proc/{}/status", process.id());
    loop {
        let status = std::fs::read_to_string(&status).unwrap();
        let mut lines = status.lines();
        let caught = lines.find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
        if u64::from_str_radix(caught.trim(), 16).unwrap() & 1 == 1 {
            return;
        }
        assert!(process.try_wait().unwrap().is_none(), "it has ended");
        assert!(Instant::now() < deadline, "it handles no signals");
        thread::sleep(Duration::from_millis(1));
    }
}
