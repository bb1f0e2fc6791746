//! A custom store: all accounts in one encrypted file, for a program that runs as one process.
//!
//! ```sh
//! cargo run --example custom_store
//! ```

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use tokenkeeper::{
    Accounts,
    protocol::{Registration, TokenSet},
    providers::Amiqus,
    store::{
        Encrypted, EncryptionKey, Entry, Key, Keyring, Outcome, StoreError, TokenStore, Version,
        unix_millis,
    },
    tower::HyperTransport,
};
use tokenkeeper_emulator::{
    DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_REDIRECT_URI, DEFAULT_USER, Emulator,
};

/// Keeps entries in a file. Test a store with `tokenkeeper_store::conformance!`.
#[derive(Clone, Debug)]
struct FileStore {
    path: Arc<Path>,
    /// Guards the file within this process; several processes would need a file lock.
    lock: Arc<Mutex<()>>,
}

type Entries = BTreeMap<Key, Entry>;

/// `list` and `watch` keep their defaults: nothing is listed, and other processes poll.
#[async_trait]
impl TokenStore for FileStore {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        let key = key.clone();
        self.with_file(move |path| Ok(read(path)?.remove(&key)))
            .await
    }

    /// Compares and writes in one step under the lock, so that no write overwrites another.
    async fn put(
        &self,
        key: &Key,
        entry: &Entry,
        expected: Option<Version>,
    ) -> Result<Outcome, StoreError> {
        let (key, entry) = (key.clone(), entry.clone());
        self.with_file(move |path| {
            let mut entries = read(path)?;
            let there = entries.get(&key);
            if there.map(|there| there.version) != expected {
                return Ok(Outcome::Conflict(there.cloned()));
            }
            entries.insert(key, entry);
            write(path, &entries)
        })
        .await
    }

    async fn delete(&self, key: &Key, expected: Version) -> Result<Outcome, StoreError> {
        let key = key.clone();
        self.with_file(move |path| {
            let mut entries = read(path)?;
            let there = entries.get(&key);
            if there.map(|there| there.version) != Some(expected) {
                return Ok(Outcome::Conflict(there.cloned()));
            }
            entries.remove(&key);
            write(path, &entries)
        })
        .await
    }
}

impl FileStore {
    fn new(path: PathBuf) -> Self {
        Self {
            path: path.into(),
            lock: Arc::default(),
        }
    }

    /// Runs blocking file work off the async threads. A dropped caller does not stop it.
    async fn with_file<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Path) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let Self { path, lock } = self.clone();
        let work = move || {
            let _lock = lock.lock().unwrap_or_else(PoisonError::into_inner);
            work(&path)
        };
        // If the runtime ends meanwhile, the outcome is unknown.
        tokio::task::spawn_blocking(work)
            .await
            .map_err(StoreError::ambiguous)?
    }
}

/// An entry in the file: key, version, value, keep until, due, attention; times in milliseconds
/// since 1970.
type Line = (Vec<u8>, [u8; 16], Vec<u8>, Option<u64>, Option<u64>, bool);

fn read(path: &Path) -> Result<Entries, StoreError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Entries::new()),
        Err(error) => return Err(StoreError::unavailable(error)),
    };
    let lines: Vec<Line> = serde_json::from_slice(&text).map_err(StoreError::corrupt)?;
    let now = SystemTime::now();
    let mut entries = Entries::new();
    for (key, version, value, keep_until, due, attention) in lines {
        let time = |millis| UNIX_EPOCH + Duration::from_millis(millis);
        let mut entry = Entry::new(Version::from_bytes(version), value).with_attention(attention);
        entry.keep_until = keep_until.map(time);
        entry.due = due.map(time);
        // A store may forget an entry after `keep_until`, never before.
        if entry.keep_until.is_none_or(|time| time > now) {
            entries.insert(Key::from_bytes(&key).map_err(StoreError::corrupt)?, entry);
        }
    }
    Ok(entries)
}

/// Replaces the whole file, so that a crash leaves the old one or the new one.
fn write(path: &Path, entries: &Entries) -> Result<Outcome, StoreError> {
    let lines = entries.iter().map(|(key, entry)| {
        let (keep_until, due) = (
            entry.keep_until.map(unix_millis),
            entry.due.map(unix_millis),
        );
        (
            key.to_bytes(),
            entry.version.to_bytes(),
            entry.value.to_vec(),
            keep_until,
            due,
            entry.attention,
        )
    });
    let lines: Vec<Line> = lines.collect();
    let text = serde_json::to_vec(&lines).map_err(StoreError::other)?;
    let replace = || {
        let new = path.with_extension("new");
        let mut file = fs::File::create(&new)?;
        io::Write::write_all(&mut file, &text)?;
        file.sync_all()?;
        fs::rename(new, path)
    };
    replace().map_err(StoreError::unavailable)?;
    Ok(Outcome::Applied)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let emulator = Emulator::amiqus().start().await?;
    let crypto = rustls::crypto::ring::default_provider();
    crypto
        .install_default()
        .expect("nothing was installed before");

    let directory = std::env::temp_dir().join(format!("tokenkeeper-{}", std::process::id()));
    fs::create_dir(&directory)?;
    let path = directory.join("accounts.json");

    // Keep the key away from the file: in the environment, or with a key service.
    let keyring = Keyring::new("2026-11", EncryptionKey::random())?;
    let engine = || -> Result<Accounts, Box<dyn std::error::Error + Send + Sync>> {
        let registration = Registration::new(DEFAULT_CLIENT_ID, DEFAULT_REDIRECT_URI);
        let registration = registration.secret(DEFAULT_CLIENT_SECRET);
        let store = Encrypted::new(FileStore::new(path.clone()), keyring.clone());
        Ok(Accounts::builder(store)
            .provider(Amiqus::new(registration)?.base(emulator.base())?)
            .transport(HyperTransport::new()?)
            .build()?)
    };

    // The program adopts an account and ends.
    let issued = emulator.issue_tokens(DEFAULT_USER)?;
    let accounts = engine()?;
    let tokens =
        TokenSet::new(issued.access_token.clone()).with_refresh_token(issued.refresh_token.clone());
    accounts.account("amiqus", "user-42")?.adopt(tokens).await?;
    accounts.shutdown(Duration::from_secs(5)).await?;
    drop(accounts);

    // The file shows no token.
    let text = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
    assert!(!text.contains(&issued.access_token) && !text.contains(&issued.refresh_token));

    // The program starts again: it finds the account and refreshes it from the file.
    let accounts = engine()?;
    let account = accounts.account("amiqus", "user-42")?;
    assert_eq!(account.token().await?.expose(), issued.access_token);
    let fresh = account.refresh().await?;
    assert_ne!(fresh.expose(), issued.access_token);
    assert_eq!(emulator.counters().refreshes(), 1);
    accounts.shutdown(Duration::from_secs(5)).await?;
    drop(accounts);

    // Started once more, it finds the new token.
    let accounts = engine()?;
    let account = accounts.account("amiqus", "user-42")?;
    assert_eq!(account.token().await?.expose(), fresh.expose());
    accounts.shutdown(Duration::from_secs(5)).await?;

    fs::remove_dir_all(&directory)?;
    println!(
        "one account, three runs of the program, {} bytes of file",
        text.len()
    );
    Ok(())
}
