//! What the commands on accounts share: the configuration, the store, the engine.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tempfile::NamedTempFile;
use tokenkeeper::{
    Account, Accounts, FlowKey,
    protocol::Provider,
    reqwest::ReqwestTransport,
    store::{EncryptionKey, Filter, Key, Keyring, TokenStore},
};

use crate::{
    BoxError,
    account::AccountName,
    config::{self, Config, KeysPlace},
    exit::{Exited, interrupted, misconfigured},
    global::Global,
    keychain::Entry,
    output, progress,
    signal::Signals,
    store::Location,
};

/// How many keys of the store are read at once.
const PAGE: usize = 500;

/// How long a command waits for its tokens to be written at its end.
const SHUTDOWN: Duration = Duration::from_secs(30);

/// What the commands on accounts share.
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) accounts: Accounts,
    pub(crate) store: Arc<dyn TokenStore>,
    /// The names of the configuration, and the providers.
    providers: Vec<(String, Arc<dyn Provider>)>,
}

impl App {
    /// Opens the store, and builds an engine for these providers. What reads the secret of another
    /// one could wait for a person, or fail.
    async fn open(global: &Global, which: Which<'_>) -> Result<Self, BoxError> {
        install_crypto();
        let config = Config::read(global.config.as_deref())?;
        if config.providers.is_empty() {
            let text = "no provider is configured: run `tokenkeeper init`, and add one to its file";
            return Err(misconfigured(text).into());
        }
        if let Which::Named(names) = which {
            for name in names {
                config.provider(name)?;
            }
        }
        let mut providers = Vec::new();
        for (name, provider) in &config.providers {
            if which.has(name) {
                let built = provider.build(name, &config).await?;
                providers.push((name.clone(), built));
            }
        }
        let location = global.store.location(&config)?;
        let keyring = keyring(global, &config, &location).await?;
        let opened = location.open(keyring.clone());
        let store = progress::show("opening the store", opened).await?;
        let mut accounts = Accounts::builder(Arc::clone(&store))
            .transport(ReqwestTransport::new()?)
            // A login may be finished by another call of the command.
            .flow_key(FlowKey::from(keyring));
        for (_, provider) in &providers {
            accounts = accounts.provider(Arc::clone(provider));
        }
        Ok(Self {
            config,
            accounts: accounts.build()?,
            store,
            providers,
        })
    }

    /// Opens it, unless a signal comes first: a keychain or a store may wait for a person.
    pub(crate) async fn open_unless(
        signals: &mut Signals,
        global: &Global,
        which: Which<'_>,
    ) -> Result<Self, BoxError> {
        tokio::select! {
            app = Self::open(global, which) => app,
            exit = signals.received() => Err(interrupted(exit)),
        }
    }

    /// Returns the account of this name. It need not be connected.
    pub(crate) fn account(&self, name: &AccountName) -> Result<Account, BoxError> {
        let provider = self.config.provider(&name.provider)?;
        let brand = self.brand(&name.provider)?;
        Ok(match &provider.site {
            Some(site) => self.accounts.account_at(brand, site, &name.subject)?,
            None => self.accounts.account(brand, &name.subject)?,
        })
    }

    /// Finds the configured account of a key.
    pub(crate) fn account_of(&self, key: &Key) -> Option<(AccountName, Account)> {
        let name = AccountName::new(self.name_of(key.brand())?, Some(key.subject()));
        let account = self.account(&name).ok()?;
        (account.key() == *key).then_some((name, account))
    }

    /// Lists the accounts in the store whose provider is configured. They need not be connected.
    pub(crate) async fn kept_accounts(&self) -> Result<Vec<(AccountName, Account)>, BoxError> {
        let mut kept = Vec::new();
        let mut cursor = None;
        loop {
            let page = self.store.list(Filter::All, cursor, PAGE).await?;
            // An account that is missing would let another one seem to be the only one.
            if let Some(error) = page.unread.into_iter().next() {
                return Err(error.into());
            }
            kept.extend(page.keys.iter().filter_map(|key| self.account_of(key)));
            cursor = page.next;
            if cursor.is_none() {
                return Ok(kept);
            }
        }
    }

    /// Returns the configuration's name of a brand.
    pub(crate) fn name_of(&self, brand: &str) -> Option<&str> {
        let mut providers = self.providers.iter();
        let found = providers.find(|(_, provider)| provider.brand() == brand);
        found.map(|(name, _)| name.as_str())
    }

    fn brand(&self, name: &str) -> Result<&str, Exited> {
        let found = self
            .providers
            .iter()
            .find(|(configured, _)| configured == name);
        let (_, provider) = found.ok_or_else(|| misconfigured(format!("no provider `{name}`")))?;
        Ok(provider.brand())
    }
}

/// The providers that a command needs.
#[derive(Clone, Copy)]
pub(crate) enum Which<'a> {
    /// All that are configured.
    All,
    /// Those of these names.
    Named(&'a [&'a str]),
}

impl Which<'_> {
    fn has(self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Named(names) => names.contains(&name),
        }
    }
}

/// Opens the app for a command, and closes it once everything is written, even after a signal.
pub(crate) async fn with<T>(
    global: &Global,
    which: Which<'_>,
    command: impl AsyncFnOnce(&App) -> Result<T, BoxError>,
) -> Result<T, BoxError> {
    let mut signals = Signals::listen()?;
    let app = App::open_unless(&mut signals, global, which).await?;
    let result = tokio::select! {
        result = command(&app) => result,
        exit = signals.received() => {
            output::note("Stopping: what is in flight is answered and written first.");
            Err(interrupted(exit))
        }
    };
    // A token request in flight is answered and written first.
    progress::show("writing", app.accounts.shutdown(SHUTDOWN)).await?;
    result
}

/// Installs the TLS of the command.
pub(crate) fn install_crypto() {
    // It fails only if this was called before.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// The variable with the text of the keys.
const KEYS_VARIABLE: &str = "TOKENKEEPER_KEYS";

/// What is said if a store has no keys.
pub(crate) const NO_KEYS: &str = "the store's keys are missing: name their file with --keys, or \
                                  the keychain in the configuration, or set TOKENKEEPER_KEYS";

/// Finds the keys, or draws the first one for a store on this machine.
pub(crate) async fn keyring(
    global: &Global,
    config: &Config,
    location: &Location,
) -> Result<Keyring, BoxError> {
    match find_keyring(global, config).await? {
        Some(keyring) => Ok(keyring),
        // A store that exists has keys: new ones would open none of its records.
        None if location.is_default_file() && !location.exists() => draw_key(&default_keys()?),
        None => Err(misconfigured(NO_KEYS).into()),
    }
}

/// Finds the keys. `None`: none are named, and none were drawn.
pub(crate) async fn find_keyring(
    global: &Global,
    config: &Config,
) -> Result<Option<Keyring>, BoxError> {
    if let Some(file) = &global.keys {
        return Ok(Some(Keyring::from_file(file)?));
    }
    if std::env::var_os(KEYS_VARIABLE).is_some_and(|keys| !keys.is_empty()) {
        return Ok(Some(Keyring::from_env(KEYS_VARIABLE)?));
    }
    match &config.keys {
        Some(KeysPlace::File(file)) => return Ok(Some(Keyring::from_file(config.path(file))?)),
        Some(KeysPlace::Keychain(name)) => return Ok(Some(Entry::new(name).keyring().await?)),
        None => {}
    }
    let file = default_keys()?;
    Ok(if file.exists() {
        Some(Keyring::from_file(file)?)
    } else {
        None
    })
}

/// Returns the file of the keys for the default store.
fn default_keys() -> Result<PathBuf, BoxError> {
    Ok(config::data_folder()?.join("keys"))
}

/// Draws a key, and writes it to a file that only the user may read.
///
/// The file appears as a whole. If another process draws one at the same time, the first counts.
pub(crate) fn draw_key(file: &Path) -> Result<Keyring, BoxError> {
    let failed = |error: io::Error| {
        misconfigured(format!(
            "the keys {} cannot be written: {error}",
            file.display()
        ))
    };
    let folder = file.parent().unwrap_or(Path::new("."));
    create_private_folder(folder).map_err(failed)?;
    let key = STANDARD.encode(EncryptionKey::random().expose());
    let mut drawn = NamedTempFile::new_in(folder).map_err(failed)?;
    let id = new_key_id()?;
    writeln!(drawn, "{id}:{key}").map_err(failed)?;
    drawn.as_file().sync_all().map_err(failed)?;
    match drawn.persist_noclobber(file) {
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => {
            Err(failed(error.error).into())
        }
        _ => Ok(Keyring::from_file(file)?),
    }
}

/// Draws the id of a key, by which a record names the key that opens it.
pub(crate) fn new_key_id() -> Result<String, BoxError> {
    let mut bytes = [0; 4];
    getrandom::fill(&mut bytes)?;
    Ok(format!("{:08x}", u32::from_be_bytes(bytes)))
}

/// Writes a new file that only the user may read.
pub(crate) fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}

/// Creates a folder that only the user may read.
pub(crate) fn create_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
