//! An agent: a command whose processes share one login.
//!
//! The first process logs in by the browser. Then twenty processes open the same file and use the
//! account at once; its token has expired, and they make one token request.
//!
//! ```sh
//! cargo run --example agent
//! ```

use std::{env, net::TcpListener, path::Path, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokenkeeper::{
    Accounts,
    login::{LoopbackLogin, Port},
    protocol::{Dialect, Registration, Url},
    reqwest::{ReqwestTransport, client},
    sqlite::SqliteStore,
    store::{EncryptionKey, Keyring},
};
use tokenkeeper_emulator::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Emulator, RegisteredClient};
use tokio::process::Command;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    match Agent::of_environment() {
        Ok(agent) => agent.work().await,
        Err(_) => start().await,
    }
}

/// What all processes of the agent know.
struct Agent {
    folder: String,
    site: String,
    callback: String,
}

impl Agent {
    fn of_environment() -> Result<Self, env::VarError> {
        Ok(Self {
            folder: env::var("AGENT_FOLDER")?,
            site: env::var("AGENT_SITE")?,
            callback: env::var("AGENT_CALLBACK")?,
        })
    }

    /// Opens the file that all processes share.
    async fn open(&self) -> Result<Accounts, BoxError> {
        let folder = Path::new(&self.folder);
        let keyring = Keyring::from_file(folder.join("keys"))?;
        let store = SqliteStore::open(folder.join("accounts.db"), keyring).await?;
        let registration =
            Registration::new(DEFAULT_CLIENT_ID, &self.callback).secret(DEFAULT_CLIENT_SECRET);
        let accounts = Accounts::builder(store)
            .provider(Dialect::rfc6749("plain", &self.site)?.with(registration)?)
            .transport(ReqwestTransport::new()?);
        Ok(accounts.build()?)
    }

    /// Logs in. An agent opens the browser, and prints the URL.
    async fn log_in(&self) -> Result<(), BoxError> {
        let accounts = self.open().await?;
        let login = LoopbackLogin::new(&accounts.account("plain", "default")?)
            .port(Port::Registered)
            .show(approve)
            .open_browser(false)
            .run()
            .await?;
        println!("connected {}", login.account.provider());
        Ok(accounts.shutdown(SHUTDOWN).await?)
    }

    /// Calls the API with the account's token.
    async fn work(&self) -> Result<(), BoxError> {
        let accounts = self.open().await?;
        let account = accounts.account("plain", "default")?;
        let api = client(reqwest::Client::builder().no_proxy(), account)?;
        let response = api.get(format!("{}/api/me", self.site)).send().await?;
        assert_eq!(response.status(), 200);
        // What a process still has to write is written before it ends.
        Ok(accounts.shutdown(SHUTDOWN).await?)
    }
}

/// Starts the emulated provider, logs in, and starts the processes.
async fn start() -> Result<(), BoxError> {
    let folder = tempfile::tempdir()?;
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let callback = format!("http://127.0.0.1:{port}/callback");
    let registered = RegisteredClient::new(DEFAULT_CLIENT_ID)
        .secret(DEFAULT_CLIENT_SECRET)
        .redirect_uri(&callback);
    let emulator = Emulator::plain().client(registered).start().await?;
    let agent = Agent {
        folder: folder.path().display().to_string(),
        site: emulator.base().to_owned(),
        callback,
    };
    // Once, at the installation: a key that only the user may read.
    let key = STANDARD.encode(EncryptionKey::random().expose());
    std::fs::write(folder.path().join("keys"), format!("1:{key}"))?;
    private(&folder.path().join("keys"))?;
    agent.log_in().await?;

    emulator.expire_access_tokens();
    let mut processes = Vec::new();
    for _ in 0..20 {
        let mut process = Command::new(env::current_exe()?);
        process
            .env("AGENT_FOLDER", &agent.folder)
            .env("AGENT_SITE", &agent.site)
            .env("AGENT_CALLBACK", &agent.callback);
        processes.push(process.spawn()?);
    }
    for mut process in processes {
        assert!(process.wait().await?.success());
    }
    let counters = emulator.counters();
    assert_eq!(counters.refreshes(), 1);
    println!(
        "20 processes got a token by {} token request",
        counters.refreshes()
    );
    Ok(())
}

/// Approves the login, as a person does in the browser.
fn approve(url: &Url) {
    let url = format!("{url}&approve=1");
    tokio::spawn(async move {
        let browser = reqwest::Client::builder().no_proxy().build()?;
        browser.get(url).send().await
    });
}

fn private(path: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    }
    let _ = path;
    Ok(())
}

const SHUTDOWN: Duration = Duration::from_secs(30);
