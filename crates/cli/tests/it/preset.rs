//! `emulate` with the name of a preset.

use std::{
    io::Write as _,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};
use tokenkeeper_emulator::DEFAULT_USER;

use crate::{browser, emulate::Emulator, text, tokenkeeper};

/// A preset's emulator, as `emulate` starts it.
struct Played {
    provider: &'static str,
    emulator: Emulator,
}

impl Played {
    fn start(provider: &'static str) -> Self {
        let emulator = Emulator::start(&[provider]);
        Self { provider, emulator }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = tokenkeeper(arguments);
        let config = self.emulator.named("export TOKENKEEPER_CONFIG=");
        command.env("TOKENKEEPER_CONFIG", config);
        command
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.command(&[arguments, &["--json"]].concat()).output();
        let output = output.unwrap();
        let error = text(&output.stderr);
        assert!(output.status.success(), "{}: {error}", self.provider);
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Finishes a login with this object on stdin.
    fn finish(&self, arguments: &[&str], input: &Value) -> Output {
        let login = [&["login", self.provider, "--finish"], arguments].concat();
        let mut command = self.command(&login);
        command.stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut stdin = process.stdin.take().unwrap();
        stdin.write_all(input.to_string().as_bytes()).unwrap();
        drop(stdin);
        process.wait_with_output().unwrap()
    }
}

#[test]
fn a_login_works_at_each_kind_of_preset() {
    // Basic, a secret in the body, JSON requests, nested tokens, other names and places, a header
    // of the API, another refresh endpoint.
    for provider in [
        "xero", "google", "notion", "slack", "tiktok", "shopify", "figma",
    ] {
        let played = Played::start(provider);
        let started = played.json(&["login", provider, "--start"]);
        let answer = browser::approve(started["url"].as_str().unwrap());
        let input = json!({ "flow": started["flow"], "answer": answer });
        let output = played.finish(&[], &input);
        assert!(
            output.status.success(),
            "{provider}: {}",
            text(&output.stderr)
        );

        let api = played.emulator.named("API").to_owned();
        let called = played.json(&["request", "GET", &api]);
        assert_eq!(called["status"], 200, "{provider}: {called}");
        assert!(called["body"].as_str().unwrap().contains(DEFAULT_USER));
        let refreshed = played.json(&["refresh", provider]);
        assert_eq!(refreshed["generation"], 2, "{provider}: {refreshed}");
        assert_eq!(played.json(&["request", "GET", &api])["status"], 200);
        played.json(&["logout", provider]);
    }
}

#[test]
fn a_preset_with_device_codes_has_logins_by_them() {
    for provider in ["google", "microsoft", "github"] {
        let played = Played::start(provider);
        let started = played.json(&["login", provider, "--device", "--start"]);
        let page = started["verification_uri"].as_str().unwrap();
        let code = started["user_code"].as_str().unwrap();
        browser::post(page, &format!("user_code={code}&approve={DEFAULT_USER}"));
        let output = played.finish(&["--device"], &json!({ "flow": started["flow"] }));
        assert!(
            output.status.success(),
            "{provider}: {}",
            text(&output.stderr)
        );
        assert_eq!(played.json(&["status", provider])["health"], "healthy");
    }
}
