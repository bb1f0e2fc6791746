//! `token`, as scripts, git, docker and kubectl call it.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::{
    text,
    world::{World, feed},
};

/// Checks that a command failed with this status, a reason that has these words, and no output.
#[track_caller]
fn assert_refused(output: &std::process::Output, code: i32, named: &str) {
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{error}");
    assert!(error.contains(named), "{error}");
    assert_eq!(text(&output.stdout), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_prints_a_token_that_the_api_takes() {
    let world = World::connected().await;
    let token = world.token();
    assert!(!token.contains(char::is_whitespace));

    let json = world.json(&["token", "plain"]);
    assert_eq!(json["access_token"], token.as_str());
    assert_eq!(json["account"], "plain");
    let expires = json["expires_at"].as_str().unwrap();
    assert!(expires.ends_with('Z'), "{expires}");

    let header = world.run(&["token", "plain", "--format", "header"]);
    assert_eq!(
        text(&header.stdout),
        format!("authorization: Bearer {token}\n")
    );
    assert_eq!(world.emulator.counters().refreshes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_expires_sooner_than_asked_is_refreshed() {
    let world = World::connected().await;
    let before = world.token();
    let run = |valid_for: &str| world.run(&["token", "plain", "--valid-for", valid_for]);
    assert_eq!(text(&run("1s").stdout).trim_end(), before);
    assert_eq!(world.emulator.counters().refreshes(), 0);

    assert_refused(&run("30days"), 2, "ask for less with --valid-for");
    assert_eq!(world.emulator.counters().refreshes(), 1);
    assert_ne!(world.token(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_a_login_has_no_token() {
    let world = World::start().await;
    assert_refused(&world.run(&["token", "plain"]), 3, "is not connected");
}

#[tokio::test(flavor = "multi_thread")]
async fn options_that_contradict_each_other_are_refused() {
    let world = World::start().await;
    for (arguments, named) in [
        (&["--format", "aws"][..], "AWS_WEB_IDENTITY_TOKEN_FILE"),
        (
            &["--format", "header", "--json"],
            "leave one of the two out",
        ),
        (&["get"], "an operation of --format git"),
        (&["--format", "git"], "write get, store, erase"),
        (&["--format", "docker"], "write get, store, erase"),
        (&["--format", "docker", "version"], "but not `version`"),
    ] {
        let output = world.run(&[&["token", "plain"], arguments].concat());
        assert_refused(&output, 2, named);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_gets_an_exec_credential_of_its_version() {
    let world = World::connected().await;
    let run = |info: Option<Value>| {
        let mut command = world.command(&["token", "plain", "--format", "kubectl"]);
        command.env_remove("KUBERNETES_EXEC_INFO");
        if let Some(info) = info {
            command.env("KUBERNETES_EXEC_INFO", info.to_string());
        }
        command.output().unwrap()
    };
    let info = |version: &str, server: &str| {
        let version = format!("client.authentication.k8s.io/{version}");
        let cluster = json!({ "server": server, "config": null });
        let spec = json!({ "cluster": cluster, "interactive": false });
        Some(json!({ "kind": "ExecCredential", "apiVersion": version, "spec": spec }))
    };
    let base = world.emulator.base();
    for (asked, version) in [
        (None, "v1"),
        (info("v1", base), "v1"),
        (info("v1beta1", base), "v1beta1"),
    ] {
        let output = run(asked);
        let credential: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(credential["kind"], "ExecCredential");
        let expected = format!("client.authentication.k8s.io/{version}");
        assert_eq!(credential["apiVersion"], expected);
        assert_eq!(credential["status"]["token"], world.token());
        let expires = credential["status"]["expirationTimestamp"].as_str();
        assert!(expires.unwrap().ends_with('Z'));
    }
    let other = run(info("v1", "https://cluster.example"));
    assert_refused(&other, 2, &format!("goes to {base} only"));
    assert_refused(&run(info("v2", base)), 2, "KUBERNETES_EXEC_INFO is neither");
    assert_refused(&run(Some(json!([]))), 2, "is no ExecCredential");
}

#[tokio::test(flavor = "multi_thread")]
async fn git_gets_a_password_for_hosts_of_the_provider() {
    let world = World::connected().await;
    let host = world.emulator.base().strip_prefix("http://").unwrap();
    let run = |operation: &str, input: &str| {
        let arguments = ["token", "plain", "--format", "git", operation];
        world.run_with(&arguments, input.as_bytes())
    };
    let asked = format!("protocol=http\nhost={host}\n");
    let token = world.token();
    let answer = run("get", &format!("{asked}username=me\n\n"));
    let lines: Vec<_> = text(&answer.stdout).lines().collect();
    let password = format!("password={token}");
    assert_eq!(&lines[..2], ["username=me", &*password]);
    assert!(lines[2].starts_with("password_expiry_utc="), "{lines:?}");
    assert_eq!(lines.len(), 3, "never a refresh token: {lines:?}");
    let answer = run("get", &asked);
    assert!(text(&answer.stdout).starts_with("username=oauth2\n"));

    // Other hosts, schemes and ports, and operations that git may add, are for other helpers.
    let other_port = format!("{}1", host.rsplit_once(':').unwrap().0);
    for (operation, input) in [
        ("get", "protocol=https\nhost=git.example\n".to_owned()),
        ("get", format!("protocol=https\nhost={host}\n")),
        ("get", format!("protocol=http\nhost={other_port}\n")),
        ("get", format!("protocol=http\nhost=me@{host}\n")),
        ("store", format!("{asked}username=me\npassword=x\n")),
        ("capability", String::new()),
    ] {
        let output = run(operation, &input);
        assert!(output.status.success(), "{operation} {input}");
        assert_eq!(text(&output.stdout), "", "{operation} {input}");
    }
    let not_text = world.run_with(
        &["token", "plain", "--format", "git", "get"],
        b"host=\xff\n",
    );
    assert_refused(&not_text, 2, "is not UTF-8; no token was printed");
    let long = format!("{asked}path={}\n", "a".repeat(1 << 16));
    for malformed in ["protocol=http\n", "hello\n", "a=\0\n", &*long] {
        assert_refused(&run("get", malformed), 2, "no token was printed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn git_erase_refreshes_a_rejected_token_once() {
    let world = World::connected().await;
    let host = world.emulator.base().strip_prefix("http://").unwrap();
    let rejected = world.token();
    let erase = |password: &str| {
        let input = format!("protocol=http\nhost={host}\nusername=me\npassword={password}\n");
        let arguments = ["token", "plain", "--format", "git", "erase"];
        let output = world.run_with(&arguments, input.as_bytes());
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert_eq!(text(&output.stdout), "");
    };
    erase("another password");
    assert_eq!(world.emulator.counters().refreshes(), 0);
    erase(&rejected);
    assert_eq!(world.emulator.counters().refreshes(), 1);
    // It was replaced meanwhile.
    erase(&rejected);
    assert_eq!(world.emulator.counters().refreshes(), 1);
    assert_ne!(world.token(), rejected);
}

/// Runs git itself, which some machines lack.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn git_itself_uses_the_helper() {
    let Ok(_) = Command::new("git").arg("--version").output() else {
        eprintln!("skipped: no git");
        return;
    };
    let world = World::connected().await;
    let helper = format!(
        "credential.helper=!'{}' token plain --format git",
        env!("CARGO_BIN_EXE_tokenkeeper")
    );
    let mut git = Command::new("git");
    git.args([
        "-c",
        "credential.helper=",
        "-c",
        &helper,
        "credential",
        "fill",
    ])
    .env("TOKENKEEPER_CONFIG", world.path("config.toml"))
    .env("GIT_TERMINAL_PROMPT", "0")
    .env("GIT_CONFIG_NOSYSTEM", "1")
    .env("HOME", world.folder())
    .stdout(Stdio::piped())
    .stderr(Stdio::piped());
    let url = format!("url={}/acme/repository.git\n\n", world.emulator.base());
    let output = feed(git, url.as_bytes());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let password = format!("password={}\n", world.token());
    assert!(text(&output.stdout).contains(&password));
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_gets_a_secret_for_servers_of_the_provider() {
    let world = World::connected().await;
    let base = world.emulator.base();
    let run = |operation: &str, input: &str| {
        let arguments = ["token", "plain", "--format", "docker", operation];
        world.run_with(&arguments, input.as_bytes())
    };
    let answer = run("get", &format!("{base}/v2/\n"));
    let answer: Value = serde_json::from_slice(&answer.stdout).unwrap();
    let server = format!("{base}/v2/");
    let expected = json!({ "ServerURL": server, "Username": "oauth2", "Secret": world.token() });
    assert_eq!(answer, expected);

    let listed: Value = serde_json::from_slice(&run("list", "").stdout).unwrap();
    assert_eq!(listed, json!({ base: "oauth2" }));

    let other = run("get", "registry.example\n");
    assert_eq!(other.status.code(), Some(1));
    let not_found = "credentials not found in native keychain\n";
    assert_eq!(text(&other.stdout), not_found);

    let login = json!({ "ServerURL": base, "Username": "me", "Secret": "x" }).to_string();
    assert_refused(&run("store", &login), 2, "run `tokenkeeper login`");
    assert_refused(&run("erase", base), 2, "run `tokenkeeper logout`");
    for (operation, malformed) in [
        ("get", ""),
        ("get", "a b"),
        ("store", base),
        ("store", r#"{"ServerURL":"x"}"#),
        ("erase", "https://"),
    ] {
        let output = run(operation, malformed);
        assert_refused(&output, 2, "no token was printed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_lists_nothing_of_a_disconnected_account() {
    let world = World::start().await;
    let output = world.run(&["token", "plain", "--format", "docker", "list"]);
    assert_eq!(text(&output.stdout), "{}\n");
}
