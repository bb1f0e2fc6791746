//! An emulator in this process, which can be held, broken and counted, and a configuration for it.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokenkeeper_emulator::{
    Builder, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_REDIRECT_URI, Emulator, Endpoint,
    RegisteredClient,
};

use crate::{browser, store::OLD, text, tokenkeeper};

/// A redirect URI of this machine, at any port if the emulator allows it.
pub const LOOPBACK: &str = "http://127.0.0.1/callback";

/// A plain provider, and a folder with the command's configuration, keys and store.
///
/// A test needs a runtime with several threads: it waits for processes while the emulator answers.
pub struct World {
    pub emulator: Emulator,
    folder: TempDir,
}

impl World {
    pub async fn start() -> Self {
        Self::with(Emulator::plain()).await
    }

    /// Starts an emulator with options.
    pub async fn with<O>(emulator: Builder<O>) -> Self {
        let client = RegisteredClient::new(DEFAULT_CLIENT_ID)
            .secret(DEFAULT_CLIENT_SECRET)
            .redirect_uri(DEFAULT_REDIRECT_URI)
            .redirect_uri(LOOPBACK);
        let emulator = emulator.client(client).start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let world = Self { emulator, folder };
        world.write("keys", OLD);
        world.configure("");
        world
    }

    /// Starts one with a connected account `plain`.
    pub async fn connected() -> Self {
        let world = Self::start().await;
        world.log_in(&["plain"]);
        world
    }

    /// Writes the configuration again, with these lines at its end.
    pub fn configure(&self, further: &str) {
        let redirect = format!("redirect_uri = {DEFAULT_REDIRECT_URI:?}\n");
        let redirect = if further.contains("redirect_uri") {
            ""
        } else {
            &redirect
        };
        let text = format!(
            "store = {store:?}\nkeys = \"keys\"\n\n[providers.plain]\nkind = \"rfc6749\"\n\
             site = {site:?}\nclient_id = {DEFAULT_CLIENT_ID:?}\n\
             client_secret = {DEFAULT_CLIENT_SECRET:?}\n{further}{redirect}",
            store = format!("sqlite:{}", self.path("accounts.db").display()),
            site = self.emulator.base(),
        );
        self.write("config.toml", &text);
    }

    /// Changes the text of the configuration.
    pub fn reconfigure(&self, change: impl FnOnce(&str) -> String) {
        let text = std::fs::read_to_string(self.path("config.toml")).unwrap();
        self.write("config.toml", &change(&text));
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file that only the user may read.
    pub fn write(&self, name: &str, text: &str) {
        write_private(&self.path(name), text);
    }

    /// Returns the URL of a resource that any valid token may read.
    pub fn api(&self) -> String {
        self.emulator.url(Endpoint::Api).unwrap()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = tokenkeeper(arguments);
        command
            .env("TOKENKEEPER_CONFIG", self.path("config.toml"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that reads stdin.
    pub fn run_with(&self, arguments: &[&str], input: &[u8]) -> Output {
        feed(self.command(arguments), input)
    }

    /// Runs a command that succeeds, and returns its object.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Returns the exit status of `status plain`: 0 if it is connected, otherwise 3.
    pub fn status(&self) -> i32 {
        self.run(&["status", "plain"]).status.code().unwrap()
    }

    /// Returns what `plain` prints of a fresh token.
    pub fn token(&self) -> String {
        let output = self.run(&["token", "plain"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout).trim_end().to_owned()
    }

    /// Logs in by two calls of the command.
    pub fn log_in(&self, arguments: &[&str]) {
        let login = [&["login"], arguments].concat();
        let started = self.json(&[&login[..], &["--start"]].concat());
        let answer = browser::approve(started["url"].as_str().unwrap());
        let input = json!({ "flow": started["flow"], "answer": answer }).to_string();
        let output = self.run_with(&[&login[..], &["--finish"]].concat(), input.as_bytes());
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
}

/// Runs a command with this input.
pub fn feed(mut command: Command, input: &[u8]) -> Output {
    let mut process = command.stdin(Stdio::piped()).spawn().unwrap();
    // A command that needs no input may be gone.
    let _ = process.stdin.take().unwrap().write_all(input);
    process.wait_with_output().unwrap()
}

fn write_private(path: &Path, text: &str) {
    let _ = std::fs::remove_file(path);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}
