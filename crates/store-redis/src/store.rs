//! The store in Redis.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use redis::{Pipeline, Value};
use tokenkeeper_store::{
    BoxStream, Change, Cursor, Encrypted, Entry, Filter, Key, Keys, Outcome, Page, StoreError,
    TokenStore, Version,
};

use crate::backend::Backend;
use crate::fault::{Call, Fault};
use crate::layout::Layout;
use crate::listing::Listing;
use crate::replication::Replicated;
use crate::script::Invocation;
use crate::server::{OpenError, Route, Server};
use crate::settings::Settings;
use crate::watch::Watch;
use crate::{RedisError, RedisOptions, claim, record};

/// A [`TokenStore`] in Redis, for any number of processes on any number of machines.
///
/// Each call is one round trip: a write is a script that compares and swaps, updates the index for
/// listings, and notifies watchers. [`open`](Self::open) returns a store that encrypts,
/// [`open_plaintext`](Self::open_plaintext) one that does not. A clone is another handle on the
/// same connections. It needs a tokio runtime.
///
/// A dropped call has made its whole write, or makes it later. What a crash of the server loses
/// depends on the server's configuration: see [the crate](crate#what-a-crash-loses).
///
/// ```no_run
/// use tokenkeeper_store::{Entry, Key, Keyring, Outcome, TokenStore, Version};
/// use tokenkeeper_store_redis::RedisStore;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let keyring = Keyring::from_env("TOKENKEEPER_KEYS")?;
/// let store = RedisStore::open("redis://localhost", keyring).await?;
/// let key = Key::new("amiqus", "https://id.amiqus.co", "client-1", "user-42")?;
///
/// let first = Entry::new(Version::random(), "opaque");
/// assert_eq!(store.put(&key, &first, None).await?, Outcome::Applied);
///
/// let late = Entry::new(Version::random(), "too late");
/// assert_eq!(store.put(&key, &late, None).await?, Outcome::Conflict(Some(first)));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisStore {
    shared: Arc<Shared>,
}

/// The state that all handles on the same connections share.
struct Shared {
    backend: Backend,
    /// For writes that wait for replicas: they delay later calls on the same connection.
    replicated: Option<Replicated>,
    watch: Watch,
}

impl RedisStore {
    /// Connects to the server at [`url`](RedisOptions::new), and encrypts with the current one of
    /// `keys`.
    ///
    /// The call may be cancelled at any time. Later calls reconnect when the connection was lost.
    ///
    /// # Errors
    /// The source of each is a [`RedisError`].
    /// - [`Unavailable`](StoreError::Unavailable): the server cannot be reached or is not ready;
    ///   the same call may succeed later.
    /// - [`Other`](StoreError::Other): the URL or an option is wrong, the login is refused, the
    ///   server may evict keys, or TLS lacks its crypto provider.
    pub async fn open(url: &str, keys: impl Into<Keys>) -> Result<Encrypted<Self>, StoreError> {
        let keys: Keys = keys.into();
        RedisOptions::new(url).open(keys).await
    }

    /// Connects without encryption: anyone who can read the server's memory, its files or a backup
    /// has every token.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub async fn open_plaintext(url: &str) -> Result<Self, StoreError> {
        RedisOptions::new(url).open_plaintext().await
    }

    /// Opens the store with checked options.
    pub(crate) async fn start(settings: Settings) -> Result<Self, StoreError> {
        let name = settings.target.name();
        let failed = |error| match error {
            OpenError::Options(error) => error.into(),
            OpenError::Server(fault) => fault.into_error(Call::Read, &name, false),
        };
        let server = Server::open(&settings.without_replicas())
            .await
            .map_err(failed)?;
        let memory = server
            .memory()
            .await
            .map_err(|fault| failed(fault.into()))?;
        if !settings.allow_eviction
            && let Some(policy) = memory.iter().find_map(|text| evicts(text))
        {
            return Err(RedisError::Evicts {
                server: name,
                policy: policy.to_owned(),
            }
            .into());
        }
        let replicated = match settings.min_replicas {
            0 => None,
            _ => Some(Replicated::open(&settings).await.map_err(failed)?),
        };
        let layout = Layout {
            prefix: settings.prefix.clone(),
        };
        let watch = Watch::new(settings, layout.channel());
        Ok(Self {
            shared: Arc::new(Shared {
                backend: Backend {
                    server,
                    layout,
                    name,
                },
                replicated,
                watch,
            }),
        })
    }

    async fn swap(
        &self,
        key: &Key,
        expected: Option<Version>,
        new: Option<&Entry>,
    ) -> Result<Outcome, StoreError> {
        let shared = &self.shared;
        let call = if expected.is_none() {
            Call::WriteNew
        } else {
            Call::WriteOver
        };
        let layout = &shared.backend.layout;
        let place = layout.place(key);
        let route = Route::Bucket(place.bucket);
        let invocation = Invocation::swap(layout, &place, key, expected, new);
        let answers = match &shared.replicated {
            None => shared.backend.server.invoke(route, &invocation, None).await,
            Some(replicated) => {
                let (server, wait) = (replicated.server(), replicated.wait());
                server.invoke(route, &invocation, Some(&wait)).await
            }
        };
        let mut answers = answers
            .map_err(|fault| shared.error(fault, call))?
            .into_iter();
        let (answer, waited) = (answers.next(), answers.next());
        match answer {
            Some(Value::Int(1)) => {
                if let Some(replicated) = &shared.replicated {
                    shared
                        .acknowledged(replicated, place.bucket, waited.as_ref())
                        .map_err(StoreError::ambiguous)?;
                }
                Ok(Outcome::Applied)
            }
            Some(Value::Array(there)) => {
                // The entry may be our own last write, which is not shown until the replicas have
                // it.
                if let Some(replicated) = &shared.replicated
                    && replicated.is_behind(place.bucket)
                {
                    shared.acknowledged(replicated, place.bucket, waited.as_ref())?;
                }
                shared.conflict(key, there)
            }
            answer => Err(StoreError::ambiguous(shared.unexpected(answer.as_ref()))),
        }
    }
}

impl Shared {
    fn conflict(&self, key: &Key, there: Vec<Value>) -> Result<Outcome, StoreError> {
        match there.into_iter().next() {
            Some(Value::BulkString(record)) => {
                Ok(Outcome::Conflict(Some(record::decode(key, record)?)))
            }
            Some(Value::Nil) | None => Ok(Outcome::Conflict(None)),
            answer => Err(self.unexpected(answer.as_ref()).into()),
        }
    }

    /// Checks that enough replicas have every write that was made on the connection of the bucket.
    fn acknowledged(
        &self,
        replicated: &Replicated,
        bucket: u8,
        answer: Option<&Value>,
    ) -> Result<(), RedisError> {
        let acknowledged = match answer {
            Some(Value::Int(number)) => u32::try_from(*number).unwrap_or(0),
            answer => return Err(self.unexpected(answer)),
        };
        if replicated.note(bucket, acknowledged) {
            return Ok(());
        }
        Err(RedisError::NotReplicated {
            server: self.backend.name.clone(),
            acknowledged,
            wanted: replicated.min_replicas(),
        })
    }

    /// Reads a record once the replicas have the last write.
    ///
    /// Otherwise a caller would see a write as landed that a failover may still lose.
    async fn read_behind(
        &self,
        replicated: &Replicated,
        bucket: u8,
        get: Pipeline,
    ) -> Result<Option<Value>, StoreError> {
        let mut commands = get;
        commands.add_command(replicated.wait());
        let route = Route::Bucket(bucket);
        let answers = replicated.server().call(route, &commands).await;
        let mut answers = answers
            .map_err(|fault| self.error(fault, Call::Read))?
            .into_iter();
        let found = answers.next();
        self.acknowledged(replicated, bucket, answers.next().as_ref())?;
        Ok(found)
    }

    fn error(&self, fault: Fault, call: Call) -> StoreError {
        let Backend { server, name, .. } = &self.backend;
        fault.into_error(call, name, server.moves())
    }

    fn unexpected(&self, answer: Option<&Value>) -> RedisError {
        // The answer itself is not shown, since it may be a record.
        let kind = match answer {
            None => "nothing",
            Some(Value::Int(_)) => "a number",
            Some(Value::BulkString(_) | Value::SimpleString(_)) => "a text",
            Some(Value::Array(_)) => "a list",
            Some(_) => "a value of another kind",
        };
        RedisError::Unexpected {
            server: self.backend.name.clone(),
            source: format!("it answered {kind}").into(),
        }
    }
}

#[async_trait]
impl TokenStore for RedisStore {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        let shared = &self.shared;
        let mut get = Pipeline::with_capacity(2);
        let Backend { server, layout, .. } = &shared.backend;
        let place = layout.place(key);
        get.cmd("GET").arg(layout.record(&place));
        let found = match &shared.replicated {
            Some(replicated) if replicated.is_behind(place.bucket) => {
                shared.read_behind(replicated, place.bucket, get).await?
            }
            _ => {
                let answers = server.call(Route::Bucket(place.bucket), &get).await;
                let answers = answers.map_err(|fault| shared.error(fault, Call::Read))?;
                answers.into_iter().next()
            }
        };
        match found {
            Some(Value::BulkString(record)) => Ok(Some(record::decode(key, record)?)),
            Some(Value::Nil) => Ok(None),
            answer => Err(shared.unexpected(answer.as_ref()).into()),
        }
    }

    async fn put(
        &self,
        key: &Key,
        entry: &Entry,
        expected: Option<Version>,
    ) -> Result<Outcome, StoreError> {
        self.swap(key, expected, Some(entry)).await
    }

    async fn delete(&self, key: &Key, expected: Version) -> Result<Outcome, StoreError> {
        self.swap(key, Some(expected), None).await
    }

    /// Returns at most 200 keys, by one call to each server: a page may be short or empty without
    /// being the last.
    ///
    /// In a cluster, the masters are read at the same time. A master that does not answer delays
    /// one page; the next ones leave it out, and name it in [`unread`](Page::unread), until it
    /// answers again.
    async fn list(
        &self,
        filter: Filter,
        cursor: Option<Cursor>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let listing = Listing::new(filter, cursor.as_ref(), limit)?;
        listing.read(&self.shared.backend).await
    }

    /// Claims 200 keys at a time, by one call to each server.
    ///
    /// Until a claim ends, its entry is in listings as if it were due then.
    async fn claim(
        &self,
        keys: &[Key],
        now: SystemTime,
        lasting: Duration,
    ) -> Result<Vec<Key>, StoreError> {
        claim::claim(&self.shared.backend, keys, now, lasting).await
    }

    /// Returns every change by any process under the same prefix, as Redis publishes it.
    ///
    /// Changes while the connection is lost are missed. A watcher that lags behind by more than
    /// 1,024 changes misses the oldest.
    fn watch(&self) -> Option<BoxStream<'static, Change>> {
        self.shared.watch.stream()
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Backend {
            server,
            layout,
            name,
        } = &self.shared.backend;
        let mut debug = f.debug_struct("RedisStore");
        debug.field("server", name).field("prefix", &layout.prefix);
        if let Server::Cluster(cluster) = server {
            debug.field("nodes", cluster);
        }
        debug.finish_non_exhaustive()
    }
}

/// Returns the eviction policy in an `INFO memory` text, if the server may evict keys.
fn evicts(memory: &str) -> Option<&str> {
    let field = |name| {
        memory
            .lines()
            .find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(':'))
    };
    let policy = field("maxmemory_policy")?;
    (policy != "noeviction" && field("maxmemory") != Some("0")).then_some(policy)
}
