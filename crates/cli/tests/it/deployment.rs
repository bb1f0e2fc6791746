//! A configuration for an emulator in the test's process, which can be held and broken.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;
use tokenkeeper_emulator::{
    Builder, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_REDIRECT_URI, Emulator,
    PlainOptions, RegisteredClient,
};

use crate::{browser, store::OLD, text, tokenkeeper};

/// An emulator of the kind `plain`, and a folder with the configuration, the keys and the store.
pub struct Deployment {
    pub emulator: Emulator,
    folder: TempDir,
}

impl Deployment {
    pub async fn start(emulator: Builder<PlainOptions>) -> Self {
        let client = RegisteredClient::new(DEFAULT_CLIENT_ID)
            .secret(DEFAULT_CLIENT_SECRET)
            .redirect_uri(DEFAULT_REDIRECT_URI);
        let emulator = emulator.client(client).start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let deployment = Self { emulator, folder };
        deployment.write("keys", OLD);
        deployment.configure("");
        deployment
    }

    /// Writes the configuration again, with these lines at its end.
    pub fn configure(&self, further: &str) {
        let store = self.path("accounts.db");
        let site = self.emulator.base();
        let text = format!(
            "store = \"sqlite:{}\"\nkeys = \"keys\"\n\n[providers.plain]\nkind = \"rfc6749\"\n\
             site = {site:?}\nclient_id = {DEFAULT_CLIENT_ID:?}\n\
             client_secret = {DEFAULT_CLIENT_SECRET:?}\n{further}",
            store.display()
        );
        let redirect = format!("redirect_uri = {DEFAULT_REDIRECT_URI:?}\n");
        let text = if further.contains("redirect_uri") {
            text
        } else {
            text + &redirect
        };
        self.write("config.toml", &text);
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file that only the user may read.
    pub fn write(&self, name: &str, text: &str) {
        write_private(&self.path(name), text);
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = tokenkeeper(arguments);
        command.env("TOKENKEEPER_CONFIG", self.path("config.toml"));
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that succeeds, and returns its object.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Connects the account `plain`.
    pub fn log_in(&self) {
        let started = self.json(&["login", "plain", "--start"]);
        let answer = browser::approve(started["url"].as_str().unwrap());
        let input = serde_json::json!({ "flow": started["flow"], "answer": answer });
        let mut finish = self.command(&["login", "plain", "--finish"]);
        let mut finish = finish.stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = finish.stdin.take().unwrap();
        stdin.write_all(input.to_string().as_bytes()).unwrap();
        drop(stdin);
        assert!(finish.wait().unwrap().success());
    }
}

fn write_private(path: &Path, text: &str) {
    let _ = std::fs::remove_file(path);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
}
