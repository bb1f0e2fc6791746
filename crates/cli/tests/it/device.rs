//! `login --device`.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, ChildStderr, Stdio},
    time::Duration,
};

use tokenkeeper_emulator::{DEFAULT_USER, Emulator, Endpoint, PlainOptions};

use crate::{deployment::Deployment, text};

/// A login that waits for a person.
struct DeviceLogin {
    process: Child,
    user_code: String,
    stderr: BufReader<ChildStderr>,
}

impl DeviceLogin {
    fn start(deployment: &Deployment) -> Self {
        let mut command = deployment.command(&["login", "plain", "--device"]);
        let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(process.stderr.take().unwrap());
        let mut shown = String::new();
        while !shown.contains("expires at") {
            assert_ne!(stderr.read_line(&mut shown).unwrap(), 0, "{shown}");
        }
        let url = deployment.emulator.base().to_owned() + "/device";
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
async fn deployment() -> Deployment {
    let options = PlainOptions::default().device_interval(Duration::from_secs(1));
    Deployment::start(Emulator::plain().options(options)).await
}

fn status(deployment: &Deployment) -> i32 {
    deployment.run(&["status", "plain"]).status.code().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_a_person_approves_connects_the_account() {
    let deployment = deployment().await;
    let login = DeviceLogin::start(&deployment);
    let approved = deployment
        .emulator
        .approve_device(&login.user_code, DEFAULT_USER);
    approved.unwrap();
    let (code, rest) = login.end();
    assert_eq!((code, rest.as_str()), (0, "plain is connected.\n"));
    assert_eq!(status(&deployment), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_code_ends_the_login() {
    let deployment = deployment().await;
    let login = DeviceLogin::start(&deployment);
    deployment.emulator.deny_device(&login.user_code).unwrap();
    let (code, rest) = login.end();
    assert_eq!(code, 3, "{rest}");
    assert!(
        rest.contains("error: ") && rest.contains("denied"),
        "{rest}"
    );
    assert_eq!(status(&deployment), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_code_ends_the_login() {
    let deployment = deployment().await;
    let login = DeviceLogin::start(&deployment);
    deployment.emulator.advance(Duration::from_secs(60 * 60));
    let (code, rest) = login.end();
    assert_eq!(code, 3, "{rest}");
    assert!(rest.contains("took too long: start it again"), "{rest}");
    assert_eq!(status(&deployment), 3);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_in_the_middle_of_a_poll_loses_nothing() {
    let deployment = deployment().await;
    // Polls wait, so none is answered before the approval.
    let gate = deployment.emulator.faults().hold(Endpoint::Token);
    let mut login = DeviceLogin::start(&deployment);
    let approved = deployment
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
    assert_eq!(status(&deployment), 0, "the tokens of the poll are written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_without_device_codes_is_named_with_the_remedy() {
    let deployment = deployment().await;
    deployment.write("dialect.toml", &dialect(deployment.emulator.base()));
    let config = std::fs::read_to_string(deployment.path("config.toml")).unwrap();
    let site = format!("site = {:?}\n", deployment.emulator.base());
    let config = config.replace("kind = \"rfc6749\"\n", "dialect = \"dialect.toml\"\n");
    deployment.write("config.toml", &config.replace(&site, ""));
    let output = deployment.run(&["login", "plain", "--device"]);
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
