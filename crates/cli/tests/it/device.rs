//! `login --device`.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, ChildStderr, Output, Stdio},
    time::Duration,
};

use serde_json::{Value, json};

use tokenkeeper_emulator::{DEFAULT_USER, Emulator, Endpoint, Fault, PlainOptions};

use crate::{text, world::World};

/// A login that waits for a person.
struct DeviceLogin {
    process: Child,
    user_code: String,
    stderr: BufReader<ChildStderr>,
}

impl DeviceLogin {
    fn start(world: &World) -> Self {
        let mut command = world.command(&["login", "plain", "--device"]);
        let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(process.stderr.take().unwrap());
        let mut shown = String::new();
        while !shown.contains("expires at") {
            assert_ne!(stderr.read_line(&mut shown).unwrap(), 0, "{shown}");
        }
        let url = world.emulator.base().to_owned() + "/device";
        let mut lines = shown.lines().filter_map(|line| line.strip_prefix("    "));
        assert_eq!(lines.next().unwrap(), url);
        let user_code = lines.next().unwrap().to_owned();
        assert_eq!(lines.next(), None, "no QR code without a terminal");
        Self {
            process,
            user_code,
            stderr,
        }
    }

    /// Returns the exit status, and what else was printed.
    fn end(mut self) -> (i32, String) {
        let mut rest = String::new();
        self.stderr.read_to_string(&mut rest).unwrap();
        (self.process.wait().unwrap().code().unwrap(), rest)
    }
}

/// Starts an emulator that devices may poll each second.
async fn world() -> World {
    let options = PlainOptions::default().device_interval(Duration::from_secs(1));
    World::with(Emulator::plain().options(options)).await
}

/// Prints the code and the flow as JSON.
fn start(world: &World) -> Value {
    world.json(&["login", "plain", "--device", "--start"])
}

fn approve(world: &World, started: &Value) {
    let code = started["user_code"].as_str().unwrap();
    world.emulator.approve_device(code, DEFAULT_USER).unwrap();
}

/// Finishes a login in a second call.
fn finish(world: &World, input: &Value) -> Output {
    let login = ["login", "plain", "--device", "--finish"];
    world.run_with(&login, input.to_string().as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_a_person_approves_connects_the_account() {
    let world = world().await;
    let login = DeviceLogin::start(&world);
    let approved = world
        .emulator
        .approve_device(&login.user_code, DEFAULT_USER);
    approved.unwrap();
    let (code, rest) = login.end();
    assert_eq!((code, rest.as_str()), (0, "plain is connected.\n"));
    assert_eq!(world.status(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_code_ends_the_login() {
    let world = world().await;
    let login = DeviceLogin::start(&world);
    world.emulator.deny_device(&login.user_code).unwrap();
    let (code, rest) = login.end();
    assert_eq!(code, 3, "{rest}");
    assert!(
        rest.contains("error: ") && rest.contains("denied"),
        "{rest}"
    );
    assert_eq!(world.status(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_code_ends_the_login() {
    let world = world().await;
    let login = DeviceLogin::start(&world);
    world.emulator.advance(Duration::from_secs(60 * 60));
    let (code, rest) = login.end();
    assert_eq!(code, 3, "{rest}");
    assert!(rest.contains("took too long: start it again"), "{rest}");
    assert_eq!(world.status(), 3);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_in_the_middle_of_a_poll_loses_nothing() {
    let world = world().await;
    // Polls wait, so none is answered before the approval.
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let mut login = DeviceLogin::start(&world);
    let approved = world
        .emulator
        .approve_device(&login.user_code, DEFAULT_USER);
    approved.unwrap();
    gate.arrived(1).await;
    let process = login.process.id().to_string();
    let killed = std::process::Command::new("kill")
        .args(["-INT", &process])
        .status();
    assert!(killed.unwrap().success());
    let mut line = String::new();
    login.stderr.read_line(&mut line).unwrap();
    assert!(line.starts_with("Stopping"), "{line}");
    gate.release();
    let (code, rest) = login.end();
    assert_eq!(code, 130, "{rest}");
    assert_eq!(world.status(), 0, "the tokens of the poll are written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_without_device_codes_is_named_with_the_remedy() {
    let world = world().await;
    world.write("dialect.toml", &dialect(world.emulator.base()));
    let site = format!("site = {:?}\n", world.emulator.base());
    world.reconfigure(|config| {
        let config = config.replace("kind = \"rfc6749\"\n", "dialect = \"dialect.toml\"\n");
        config.replace(&site, "")
    });
    let output = world.run(&["login", "plain", "--device"]);
    assert_eq!(output.status.code(), Some(2));
    let error = text(&output.stderr);
    assert!(error.contains("log in with a browser"), "{error}");
}

fn dialect(base: &str) -> String {
    format!(
        "brand = \"plain\"\nbase = {base:?}\n[authorization]\nendpoint = \"/authorize\"\n[token]\n\
         endpoint = \"/token\"\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_logs_in_by_two_calls() {
    let world = world().await;
    let started = start(&world);
    let page = world.emulator.base().to_owned() + "/device";
    assert_eq!(started["verification_uri"], page);
    let complete = started["verification_uri_complete"].as_str().unwrap();
    assert!(complete.starts_with(&page), "{complete}");
    assert!(started["expires_at"].as_str().unwrap().ends_with('Z'));
    approve(&world, &started);

    for (input, problem) in [
        (json!({ "flow": 1 }), "stdin is not {\"flow\": …}"),
        (json!({ "flow": "x" }), "start the login again"),
    ] {
        let refused = finish(&world, &input);
        let error = text(&refused.stderr);
        assert_ne!(refused.status.code(), Some(0));
        assert!(error.contains(problem), "{error}");
    }
    let input = json!({ "flow": started["flow"] });
    let login = [
        "login",
        "plain",
        "--account",
        "other",
        "--device",
        "--finish",
    ];
    let other = world.run_with(&login, input.to_string().as_bytes());
    assert_eq!(other.status.code(), Some(2));
    assert!(text(&other.stderr).contains("the login of another account"));

    let output = finish(&world, &input);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(world.status(), 0);
    assert_eq!(world.run(&["status", "plain/other"]).status.code(), Some(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_call_says_how_the_login_ended() {
    let world = world().await;
    let started = start(&world);
    let code = started["user_code"].as_str().unwrap();
    world.emulator.deny_device(code).unwrap();
    let denied = finish(&world, &json!({ "flow": started["flow"] }));
    assert_eq!(denied.status.code(), Some(3));
    assert!(text(&denied.stderr).contains("denied"));

    let started = start(&world);
    world.emulator.advance(Duration::from_secs(60 * 60));
    let expired = finish(&world, &json!({ "flow": started["flow"] }));
    assert_eq!(expired.status.code(), Some(3));
    assert!(text(&expired.stderr).contains("took too long"));
    assert_eq!(world.status(), 3);
}

/// The person presses Ctrl-C while the provider slows the polls down, and calls again.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_was_slowed_down_and_interrupted_goes_on() {
    let world = world().await;
    let started = start(&world);
    let input = json!({ "flow": started["flow"] });
    let slow_down = json!({ "error": "slow_down" });
    let faults = world.emulator.faults();
    faults.once(Endpoint::Token, Fault::json(400, &slow_down));
    let gate = faults.hold_answers(Endpoint::Token);

    let mut first = world.command(&["login", "plain", "--device", "--finish"]);
    let mut first = first.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = first.stdin.take().unwrap();
    std::io::Write::write_all(&mut stdin, input.to_string().as_bytes()).unwrap();
    drop(stdin);
    gate.arrived(1).await;
    let id = first.id().to_string();
    let killed = std::process::Command::new("kill")
        .args(["-INT", &id])
        .status();
    assert!(killed.unwrap().success());
    let mut stderr = BufReader::new(first.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    assert!(line.starts_with("Stopping"), "{line}");
    // It has the signal, and waits for the answer.
    gate.release();
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    assert_eq!(first.wait().unwrap().code(), Some(130), "{rest}");
    let counters = world.emulator.counters();
    assert_eq!(counters.outcomes("fault:answer"), 1, "{counters:?}");
    assert_eq!(counters.polls(), 1, "it polls no more: {counters:?}");

    approve(&world, &started);
    let second = finish(&world, &input);
    assert!(second.status.success(), "{}", text(&second.stderr));
    let counters = world.emulator.counters();
    assert_eq!(counters.outcomes("slow_down"), 0, "{counters:?}");
    assert_eq!(world.status(), 0);
}
