//! An emulator in this process, whose counters a test reads, and a configuration for it.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokenkeeper::store::EncryptionKey;
use tokenkeeper_emulator::{
    Builder, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Emulator, Endpoint, RegisteredClient,
};

use crate::{browser, text, tokenkeeper};

const CALLBACK: &str = "http://127.0.0.1:9/callback";

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
            .redirect_uri(CALLBACK);
        let emulator = emulator.client(client).start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let world = Self { emulator, folder };
        world.write_config();
        world
    }

    /// Starts one with a connected account `plain`.
    pub async fn connected() -> Self {
        let world = Self::start().await;
        world.log_in(&["plain"]);
        world
    }

    fn write_config(&self) {
        let key = STANDARD.encode(EncryptionKey::random().expose());
        std::fs::write(self.path("keys"), format!("1:{key}\n")).unwrap();
        let text = format!(
            "store = {store:?}\nkeys = \"keys\"\n\n[providers.plain]\nkind = \"rfc6749\"\n\
             site = {site:?}\nclient_id = {DEFAULT_CLIENT_ID:?}\n\
             client_secret_env = \"PLAIN_SECRET\"\nredirect_uri = {CALLBACK:?}\n",
            store = format!("sqlite:{}", self.path("accounts.db").display()),
            site = self.emulator.base(),
        );
        std::fs::write(self.path("config.toml"), text).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let private = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(self.path("keys"), private).unwrap();
        }
    }

    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the URL of a resource that any valid token may read.
    pub fn api(&self) -> String {
        self.emulator.url(Endpoint::Api).unwrap()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = tokenkeeper(arguments);
        command
            .env("TOKENKEEPER_CONFIG", self.path("config.toml"))
            .env("PLAIN_SECRET", DEFAULT_CLIENT_SECRET)
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
