//! A worker: an ordinary user of tokenkeeper that says what it does.

mod audit;
mod clock;
mod load;
mod mouth;
mod person;
mod store;
mod transport;

pub(crate) use transport::{HEADER, presented};

use std::{process::ExitCode, sync::Arc, time::Duration};

use tokenkeeper::{
    Accounts, protocol::Registration, providers::Amiqus, store::TokenStore, tower::HyperTransport,
};
use tokenkeeper_emulator::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_REDIRECT_URI};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use self::{clock::SkewedClock, load::Load, mouth::Mouth, store::Watched, transport::Traced};
use crate::{
    BoxError, causes,
    random::Random,
    said::{Order, Said},
    terms,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Names this process among all of the run.
    #[arg(long)]
    name: String,
    /// `redis://…`, or `sqlite:` and a path.
    #[arg(long)]
    store: String,
    /// Where the emulator is.
    #[arg(long)]
    provider: String,
    #[arg(long)]
    accounts: usize,
    #[arg(long)]
    seed: u64,
    /// Do no work but to see how each account is.
    #[arg(long)]
    audit: bool,
}

/// How long it may take to write what is unwritten once all works again.
const FLUSH: Duration = Duration::from_secs(15);

#[tokio::main(worker_threads = 2)]
pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode, BoxError> {
    let provider = rustls::crypto::ring::default_provider();
    provider
        .install_default()
        .map_err(|_| "a rustls crypto provider was installed before")?;
    let mouth = Mouth;
    mouth.tell_of_stalls()?;
    let clock = SkewedClock::default();
    let store = open(&arguments.store).await;
    let registration = Registration::new(DEFAULT_CLIENT_ID, DEFAULT_REDIRECT_URI)?;
    let amiqus = Amiqus::new(registration.secret(DEFAULT_CLIENT_SECRET))?;
    let accounts = Accounts::builder(Watched::new(store, mouth.clone()))
        .provider(amiqus.base(&arguments.provider)?)
        .transport(Traced::new(
            HyperTransport::new()?,
            &arguments.name,
            mouth.clone(),
        ))
        .clock(clock.clone())
        .options(terms::options())
        .build()?;
    mouth.tell_of_events(&accounts);
    let load = Load::new(accounts.clone(), &arguments.provider, mouth.clone());
    mouth.say(Said::Ready);
    if arguments.audit {
        // Whatever another clock has written, it is in the past here: no backoff, and no token that looks fresh.
        clock.set_ahead(terms::FARTHEST * 2);
        load.audit(arguments.accounts).await;
    } else {
        let working = load.start(arguments.accounts, Random::new(arguments.seed));
        obey(&clock, &load).await?;
        working.abort();
    }
    let unwritten = match accounts.shutdown(FLUSH).await {
        Ok(()) => Vec::new(),
        Err(unwritten) => {
            let subjects = unwritten.accounts.iter().map(|a| a.subject().to_owned());
            subjects
                .filter_map(|subject| terms::account_of(&subject))
                .collect()
        }
    };
    mouth.say(Said::Shutdown { unwritten });
    Ok(ExitCode::SUCCESS)
}

/// Opens the store, however long it is down.
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
    let keyring = Keyring::new("chaos", terms::KEY)?;
    let patience = terms::LEASE / 4;
    if let Some(path) = store.strip_prefix("sqlite:") {
        let options = tokenkeeper_store_sqlite::SqliteOptions::new(path).busy_timeout(patience);
        return Ok(Arc::new(options.open(keyring).await?));
    }
    let options = tokenkeeper_store_redis::RedisOptions::new(store)?
        .timeout(patience)
        .connect_timeout(patience);
    Ok(Arc::new(options.open(keyring).await?))
}

/// Does what the director says, until it says that all is over or is gone itself.
async fn obey(clock: &SkewedClock, load: &Load) -> Result<(), BoxError> {
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
