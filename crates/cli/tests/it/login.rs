//! `login`, `status`, `accounts`, `refresh`, `logout` and `forget` against an emulator.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    process::{Child, ChildStderr, Command, Stdio},
};

use serde_json::Value;
use tokenkeeper_emulator::PlainOptions;

use crate::{
    browser,
    emulate::Emulator,
    text, tokenkeeper,
    world::{LOOPBACK, World},
};

/// A configuration for an emulator.
struct Session {
    emulator: Emulator,
    config: String,
}

impl Session {
    fn start(provider: &str) -> Self {
        let emulator = Emulator::start(&[provider]);
        let config = emulator.named("export TOKENKEEPER_CONFIG=").to_owned();
        Self { emulator, config }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = tokenkeeper(arguments);
        command.env("TOKENKEEPER_CONFIG", &self.config);
        command
    }

    /// Runs a command; returns its exit status and its object.
    fn json(&self, arguments: &[&str]) -> (i32, Value) {
        let arguments = [arguments, &["--json"]].concat();
        let output = self.command(&arguments).output().unwrap();
        let value = serde_json::from_slice(&output.stdout);
        let value = value.unwrap_or_else(|_| text(&output.stderr).into());
        (output.status.code().unwrap(), value)
    }

    /// Logs in as a person with a browser does.
    fn log_in(&self, arguments: &[&str]) {
        let mut login = Login::start(self, arguments);
        let location = browser::approve(&login.url);
        assert!(browser::get(&location).contains("Connected to"));
        assert!(login.process.wait().unwrap().success());
    }
}

/// A login in progress, and its URL.
struct Login {
    process: Child,
    url: String,
    _stderr: BufReader<ChildStderr>,
}

impl Login {
    fn start(session: &Session, arguments: &[&str]) -> Self {
        let arguments = [&["login", "--no-browser"], arguments].concat();
        let mut process = session.command(&arguments);
        let mut process = process.stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(process.stderr.take().unwrap());
        let mut printed = String::new();
        while !printed.contains("http") {
            let read = stderr.read_line(&mut printed).unwrap();
            assert_ne!(read, 0, "{printed}");
        }
        let url = printed.lines().last().unwrap().trim().to_owned();
        Self {
            process,
            url,
            _stderr: stderr,
        }
    }
}

#[test]
fn a_login_connects_an_account_until_it_is_logged_out() {
    for provider in ["amiqus", "plain", "qics-milestones", "fortes-milestones"] {
        let session = Session::start(provider);
        assert_eq!(session.json(&["status", provider]).0, 3);

        session.log_in(&[provider]);
        let (code, status) = session.json(&["status", provider]);
        assert_eq!(
            (code, &status["health"]),
            (0, &"healthy".into()),
            "{status}"
        );
        assert_eq!(status["generation"], 1);
        assert!(status["issued_at"].as_str().unwrap().ends_with('Z'));

        let (code, refreshed) = session.json(&["refresh", provider]);
        assert_eq!(
            (code, &refreshed["generation"]),
            (0, &2.into()),
            "{refreshed}"
        );
        let (_, listed) = session.json(&["accounts"]);
        assert_eq!(listed["account"], provider, "{listed}");

        assert_eq!(session.json(&["logout", provider]).0, 0);
        assert_eq!(
            session.json(&["status", provider]).1["health"],
            "disconnected"
        );
        assert_eq!(session.json(&["forget", provider]).0, 0);
        assert_eq!(session.json(&["accounts"]).1, "");
    }
}

#[test]
fn two_accounts_of_a_provider_have_names() {
    let session = Session::start("amiqus");
    session.log_in(&["amiqus", "--account", "work"]);
    assert_eq!(session.json(&["status", "amiqus/work"]).0, 0);
    assert_eq!(session.json(&["status", "amiqus"]).0, 3);
}

#[test]
fn a_program_logs_in_by_two_calls() {
    let session = Session::start("amiqus");
    let (code, started) = session.json(&["login", "amiqus", "--start"]);
    assert_eq!(code, 0, "{started}");
    let answer = browser::approve(started["url"].as_str().unwrap());

    let finish = |input: &str| {
        let mut finish = session.command(&["login", "amiqus", "--finish", "--json"]);
        finish.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut finish = finish.stderr(Stdio::piped()).spawn().unwrap();
        finish
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        finish.wait_with_output().unwrap()
    };
    let garbage = finish("{\"answer\": 1}");
    assert_eq!(garbage.status.code(), Some(2));
    assert!(text(&garbage.stderr).contains("stdin is not"));

    let input = serde_json::json!({ "flow": started["flow"], "answer": answer });
    let output = finish(&input.to_string());
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(session.json(&["status", "amiqus"]).0, 0);
    // The same answer again brings the first one's result.
    assert!(finish(&input.to_string()).status.success());
}

#[test]
fn a_denied_login_says_so_and_connects_nothing() {
    let session = Session::start("plain");
    let login = Login::start(&session, &["plain"]);
    let location = browser::deny(&login.url);
    browser::get(&location);
    let output = login.process.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(session.json(&["status", "plain"]).0, 3);
}

#[test]
fn an_unknown_provider_is_named_with_the_known_ones() {
    let session = Session::start("plain");
    let (code, error) = session.json(&["login", "github"]);
    assert_eq!(code, 2, "{error}");
    let error = error.as_str().unwrap();
    assert!(
        error.contains("`github` is not configured, but plain is"),
        "{error}"
    );
    assert!(
        session
            .emulator
            .named("base")
            .starts_with("http://127.0.0.1:")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_named_with_the_remedy() {
    let world = World::start().await;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    world.configure(&format!("redirect_uri = \"http://{address}/callback\"\n"));
    let output = world.run(&["login", "plain", "--no-browser"]);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(
        error.contains(&address) && error.contains("another port"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_terminal_an_answer_elsewhere_takes_two_calls() {
    let world = World::start().await;
    let output = world.run(&["login", "plain", "--no-browser"]);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(
        error.contains("https://app.example") && error.contains("--start"),
        "{error}"
    );
    world.log_in(&["plain"]);
}

/// The URL is printed, and the login goes on.
#[cfg(all(unix, not(target_os = "macos")))]
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_browser_stops_no_login() {
    let options = PlainOptions::default().any_loopback_port();
    let emulator = tokenkeeper_emulator::Emulator::plain().options(options);
    let world = World::with(emulator).await;
    world.configure(&format!("redirect_uri = {LOOPBACK:?}\n"));
    let mut command = world.command(&["login", "plain"]);
    command.env("PATH", world.folder()).env_remove("BROWSER");
    let mut process = command.spawn().unwrap();
    let mut stderr = BufReader::new(process.stderr.take().unwrap());
    let mut shown = String::new();
    while !shown.contains("http") {
        assert_ne!(stderr.read_line(&mut shown).unwrap(), 0, "{shown}");
    }
    let url = shown.lines().last().unwrap().trim();
    browser::get(&browser::approve(url));
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    assert!(process.wait().unwrap().success(), "{rest}");
    assert_eq!(world.status(), 0);
}
