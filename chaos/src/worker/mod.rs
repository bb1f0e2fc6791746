//! A worker: an ordinary user of tokenkeeper that reports its events.

mod audit;
mod clock;
mod events;
mod load;
mod store;
mod transport;
mod user;

pub(crate) use transport::{HEADER, presented};

use std::{process::ExitCode, sync::Arc, time::Duration};

use tokenkeeper::{
    Accounts, protocol::Registration, providers::Amiqus, store::TokenStore, tower::HyperTransport,
};
use tokenkeeper_emulator::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_REDIRECT_URI};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use self::{
    clock::SkewedClock, events::EventWriter, load::Load, store::LoggingStore,
    transport::LoggingTransport,
};
use crate::{
    BoxError, causes, config,
    message::{Order, WorkerEvent},
    random::Random,
};

// The arguments of a worker process. A doc comment would become the help text.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The name of this process within the run.
    #[arg(long)]
    name: String,
    /// `redis://…`, or `sqlite:` and a path.
    #[arg(long)]
    store: String,
    /// The emulator's URL.
    #[arg(long)]
    provider: String,
    #[arg(long)]
    accounts: usize,
    #[arg(long)]
    seed: u64,
    /// Only audits the accounts.
    #[arg(long)]
    audit: bool,
}

/// How long the shutdown may take to write what is unwritten.
const FLUSH: Duration = Duration::from_secs(15);

#[tokio::main(worker_threads = 2)]
pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode, BoxError> {
    let provider = rustls::crypto::ring::default_provider();
    provider
        .install_default()
        .map_err(|_| "a rustls crypto provider is already installed")?;
    let events = EventWriter;
    events.watch_stalls()?;
    let clock = SkewedClock::default();
    let store = open(&arguments.store).await;
    let registration = Registration::new(DEFAULT_CLIENT_ID, DEFAULT_REDIRECT_URI);
    let amiqus = Amiqus::new(registration.secret(DEFAULT_CLIENT_SECRET))?;
    let accounts = Accounts::builder(LoggingStore::new(store, events.clone()))
        .provider(amiqus.base(&arguments.provider)?)
        .transport(LoggingTransport::new(
            HyperTransport::new()?,
            &arguments.name,
            events.clone(),
        ))
        .clock(clock.clone())
        .options(config::options())
        .build()?;
    events.forward_engine_events(&accounts);
    let load = Load::new(accounts.clone(), &arguments.provider, events.clone());
    events.write(WorkerEvent::Ready);
    if arguments.audit {
        // Times that other clocks wrote are in the past here: no backoff, and no token looks fresh.
        clock.set_ahead(config::MAX_CLOCK_SKEW * 2);
        load.audit(arguments.accounts).await;
    } else {
        let worker_slots = load.start(arguments.accounts, Random::new(arguments.seed));
        follow_orders(&clock, &load).await?;
        worker_slots.abort();
    }
    let unwritten = match accounts.shutdown(FLUSH).await {
        Ok(()) => Vec::new(),
        Err(unwritten) => {
            let subjects = unwritten.accounts.iter().map(|a| a.subject().to_owned());
            subjects
                .filter_map(|subject| config::account_of(&subject))
                .collect()
        }
    };
    events.write(WorkerEvent::Shutdown { unwritten });
    Ok(ExitCode::SUCCESS)
}

/// Opens the store, and tries again while it is down.
async fn open(store: &str) -> Arc<dyn TokenStore> {
    loop {
        match try_open(store).await {
            Ok(store) => return store,
            Err(error) => eprintln!("the store cannot be opened: {}", causes(&*error)),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn try_open(store: &str) -> Result<Arc<dyn TokenStore>, BoxError> {
    use tokenkeeper::store::Keyring;
    let keyring = Keyring::new("chaos", config::KEY)?;
    let patience = config::LEASE / 4;
    if let Some(path) = store.strip_prefix("sqlite:") {
        let options = tokenkeeper_store_sqlite::SqliteOptions::new(path).busy_timeout(patience);
        return Ok(Arc::new(options.open(keyring).await?));
    }
    let options = tokenkeeper_store_redis::RedisOptions::new(store)
        .response_timeout(patience)
        .connect_timeout(patience);
    Ok(Arc::new(options.open(keyring).await?))
}

/// Follows the director's orders until the last one, or until the director is gone.
async fn follow_orders(clock: &SkewedClock, load: &Load) -> Result<(), BoxError> {
    let mut orders = BufReader::new(tokio::io::stdin()).lines();
    while let Some(order) = orders.next_line().await? {
        match serde_json::from_str(&order)? {
            Order::Clock { ahead } => clock.set(ahead),
            Order::Connect { account } => load.connect(account),
            Order::Disconnect { account } => load.disconnect(account),
            Order::Finish => return Ok(()),
        }
    }
    Err("the director is gone".into())
}
