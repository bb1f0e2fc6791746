//! An agent: a command whose processes share one login.
//!
//! The first process logs in by the browser. Then twenty processes open the same file and use the
//! account at once; its token has expired, and they make one token request. Then twenty more do,
//! and some of them are killed meanwhile, perhaps the one whose token request is in flight: another
//! one takes over, and the account is not lost.
//!
//! ```sh
//! cargo run --example agent
//! ```

use std::{
    env,
    hash::{BuildHasher as _, RandomState},
    net::TcpListener,
    path::Path,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokenkeeper::{
    Accounts, Advice, Error, Options,
    login::{LoopbackLogin, Port},
    protocol::{Dialect, Registration, Url},
    reqwest::{ReqwestTransport, client},
    sqlite::SqliteStore,
    store::{EncryptionKey, Keyring},
};
use tokenkeeper_emulator::{
    DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Emulator, Endpoint, Fault, RegisteredClient,
};
use tokio::{
    process::{Child, Command},
    time::sleep,
};

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
    lease: Duration,
}

impl Agent {
    fn of_environment() -> Result<Self, env::VarError> {
        Ok(Self {
            folder: env::var("AGENT_FOLDER")?,
            site: env::var("AGENT_SITE")?,
            callback: env::var("AGENT_CALLBACK")?,
            lease: env::var("AGENT_LEASE")?
                .parse()
                .map_or(LEASE, Duration::from_secs),
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
            // How long the others wait for a process that was killed.
            .options(Options::new().lease(self.lease))
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

    /// Calls the API. On a busy machine a call may end before it is this process's turn.
    async fn work(&self) -> Result<(), BoxError> {
        for _ in 1..ATTEMPTS {
            let Err(error) = self.call().await else {
                return Ok(());
            };
            match Error::find(&*error).map(Error::advice) {
                Some(Advice::Retry { after }) => sleep(after).await,
                _ => return Err(error),
            }
        }
        self.call().await
    }

    /// Calls the API with the account's token.
    async fn call(&self) -> Result<(), BoxError> {
        let accounts = self.open().await?;
        let account = accounts.account("plain", "default")?;
        let api = client(reqwest::Client::builder().no_proxy(), account)?;
        let response = api.get(format!("{}/api/me", self.site)).send().await?;
        assert_eq!(response.status(), 200);
        // What a process still has to write is written before it ends.
        Ok(accounts.shutdown(SHUTDOWN).await?)
    }

    /// Starts processes that use the account.
    fn start_processes(&self) -> Result<Vec<Child>, BoxError> {
        let mut processes = Vec::new();
        for _ in 0..PROCESSES {
            let mut process = Command::new(env::current_exe()?);
            process
                .env("AGENT_FOLDER", &self.folder)
                .env("AGENT_SITE", &self.site)
                .env("AGENT_CALLBACK", &self.callback)
                .env("AGENT_LEASE", self.lease.as_secs().to_string());
            processes.push(process.spawn()?);
        }
        Ok(processes)
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
        lease: LEASE,
    };
    // Once, at the installation: a key that only the user may read.
    let key = STANDARD.encode(EncryptionKey::random().expose());
    std::fs::write(folder.path().join("keys"), format!("1:{key}"))?;
    private(&folder.path().join("keys"))?;
    agent.log_in().await?;

    share(&agent, &emulator).await?;
    let agent = Agent {
        lease: SHORT_LEASE,
        ..agent
    };
    survive(&agent, &emulator).await
}

/// Twenty processes use the account at once, and make one token request.
async fn share(agent: &Agent, emulator: &Emulator) -> Result<(), BoxError> {
    emulator.expire_access_tokens();
    for mut process in agent.start_processes()? {
        assert!(process.wait().await?.success());
    }
    let refreshes = emulator.counters().refreshes();
    assert_eq!(refreshes, 1);
    println!("{PROCESSES} processes got a token by {refreshes} token request");
    Ok(())
}

/// Twenty processes use the account, and some are killed. None presents a refresh token again that
/// the provider has answered, and the account lives.
async fn survive(agent: &Agent, emulator: &Emulator) -> Result<(), BoxError> {
    emulator.expire_access_tokens();
    // The token request is held while processes are killed, and cut without being processed. What
    // no client survives is a kill between the provider's answer and the write.
    let faults = emulator.faults();
    faults.once(Endpoint::Token, Fault::CutAfterBody);
    let gate = faults.hold(Endpoint::Token);
    let processes = agent.start_processes()?;
    gate.arrived(1).await;
    let random = RandomState::new();
    let mut survivors = Vec::new();
    for mut process in processes {
        if random.hash_one(process.id()) % 2 == 0 {
            process.kill().await?;
        } else {
            survivors.push(process);
        }
    }
    let killed = PROCESSES - survivors.len();
    gate.release();
    for mut process in survivors {
        assert!(process.wait().await?.success());
    }
    // If all were killed, this one refreshes the token.
    agent.work().await?;
    assert_eq!(emulator.counters().presented_after_answer(), 0);
    println!("{killed} of {PROCESSES} processes were killed, and the account lives");
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

const PROCESSES: usize = 20;
const ATTEMPTS: usize = 10;
/// The default: a process that stalls for less makes its token request alone.
const LEASE: Duration = Duration::from_secs(20);
/// Where processes are killed, the others wait less for them.
const SHORT_LEASE: Duration = Duration::from_secs(4);
const SHUTDOWN: Duration = Duration::from_secs(30);
