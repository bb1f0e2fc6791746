//! The store.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use redis::{Cmd, Pipeline, Value, cmd};
use tokenkeeper_store::{
    BoxStream, Change, Cursor, Encrypted, Entry, Filter, Key, Keyring, Outcome, Page, StoreError,
    TokenStore, Version,
};

use crate::fault::{Call, Fault};
use crate::layout::Layout;
use crate::listing::Listing;
use crate::options::Wait;
use crate::script::Invocation;
use crate::server::{OpenError, Server};
use crate::watch::Watch;
use crate::{RedisError, RedisOptions, record};

/// A [`TokenStore`] in Redis, for any number of processes on any number of machines.
///
/// Each call is one round trip: a write is a script that compares and swaps, keeps the index of listings, and tells
/// watchers. [`open`](Self::open) returns a store that encrypts; [`plaintext`](Self::plaintext) one that does not. A clone
/// is another handle on the same connections. It needs a tokio runtime.
///
/// A call that is dropped has made its write whole, or makes it yet. What survives a crash of the server is the server's
/// configuration: see [the crate](crate#what-a-crash-loses).
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

struct Shared {
    name: String,
    layout: Layout,
    reads: Server,
    /// Writes that wait for replicas hold up what comes behind them, so they have a connection of their own.
    replicated: Option<Replicated>,
    watch: Watch,
}

struct Replicated {
    server: Server,
    wait: Wait,
    /// Whether the last write is not known to be with the replicas.
    behind: AtomicBool,
}

impl RedisStore {
    /// Connects to the server that `url` [names](RedisOptions::new), and encrypts with the current key of `keyring`.
    ///
    /// It may be cancelled at any time. Later, a lost connection is made anew by the call that needs it.
    ///
    /// # Errors
    /// The source of each is a [`RedisError`].
    /// - [`Unavailable`](StoreError::Unavailable): the server cannot be reached or is not ready; the same call may succeed
    ///   later.
    /// - [`Other`](StoreError::Other): the URL or an option makes no sense, the login is refused, the server may evict
    ///   keys, or TLS lacks its crypto provider.
    pub async fn open(url: &str, keyring: Keyring) -> Result<Encrypted<Self>, StoreError> {
        RedisOptions::new(url)?.open(keyring).await
    }

    /// Connects without encryption: whoever can read the server's memory, its files or a backup has every token in it.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub async fn plaintext(url: &str) -> Result<Self, StoreError> {
        RedisOptions::new(url)?.plaintext().await
    }

    pub(crate) async fn start(options: RedisOptions) -> Result<Self, StoreError> {
        let name = options.target.name();
        let failed = |error| match error {
            OpenError::Options(error) => error.into(),
            OpenError::Server(fault) => fault.into_error(Call::Read, &name, false),
        };
        let reads = Server::open(&RedisOptions {
            wait: None,
            ..options.clone()
        })
        .await
        .map_err(failed)?;
        let memory = reads.memory().await.map_err(|fault| failed(fault.into()))?;
        if !options.allow_eviction
            && let Some(policy) = memory.iter().find_map(|text| evicts(text))
        {
            return Err(RedisError::Evicts {
                server: name,
                policy: policy.to_owned(),
            }
            .into());
        }
        let replicated = match options.wait {
            None => None,
            Some(wait) => Some(Replicated {
                server: Server::open(&options).await.map_err(failed)?,
                wait,
                behind: AtomicBool::new(false),
            }),
        };
        let layout = Layout {
            prefix: options.prefix.clone(),
        };
        let watch = Watch::new(options, layout.channel());
        Ok(Self {
            shared: Arc::new(Shared {
                name,
                layout,
                reads,
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
        let invocation = Invocation::swap(&shared.layout, key, expected, new);
        let answers = match &shared.replicated {
            None => shared.reads.invoke(&invocation, None).await,
            Some(replicated) => {
                let wait = replicated.wait();
                replicated.server.invoke(&invocation, Some(&wait)).await
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
                        .acknowledged(replicated, waited.as_ref())
                        .map_err(StoreError::ambiguous)?;
                }
                Ok(Outcome::Applied)
            }
            Some(Value::Array(there)) => {
                // What is there may be our own write of before, which is not to be shown until the replicas have it.
                if let Some(replicated) = shared.replicated.as_ref().filter(|r| r.is_behind()) {
                    shared.acknowledged(replicated, waited.as_ref())?;
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

    /// That enough replicas have all that was written on the connection so far.
    fn acknowledged(
        &self,
        replicated: &Replicated,
        answer: Option<&Value>,
    ) -> Result<(), RedisError> {
        let acknowledged = match answer {
            Some(Value::Int(number)) => u32::try_from(*number).unwrap_or(0),
            answer => return Err(self.unexpected(answer)),
        };
        let wanted = replicated.wait.replicas;
        replicated
            .behind
            .store(acknowledged < wanted, Ordering::Release);
        if acknowledged < wanted {
            return Err(RedisError::NotReplicated {
                server: self.name.clone(),
                acknowledged,
                wanted,
            });
        }
        Ok(())
    }

    /// What is there, where the last write may not have reached the replicas: to show it before it has would let a caller take a
    /// write for landed that a failover may still lose.
    async fn read_behind(
        &self,
        replicated: &Replicated,
        get: Pipeline,
    ) -> Result<Option<Value>, StoreError> {
        let mut commands = get;
        commands.add_command(replicated.wait());
        let answers = replicated.server.call(&commands).await;
        let mut answers = answers
            .map_err(|fault| self.error(fault, Call::Read))?
            .into_iter();
        let found = answers.next();
        self.acknowledged(replicated, answers.next().as_ref())?;
        Ok(found)
    }

    fn error(&self, fault: Fault, call: Call) -> StoreError {
        fault.into_error(call, &self.name, self.reads.moves())
    }

    fn unexpected(&self, answer: Option<&Value>) -> RedisError {
        // Not the answer itself, which may be a record.
        let kind = match answer {
            None => "nothing",
            Some(Value::Int(_)) => "a number",
            Some(Value::BulkString(_) | Value::SimpleString(_)) => "a text",
            Some(Value::Array(_)) => "a list",
            Some(_) => "a value of another kind",
        };
        RedisError::Unexpected {
            server: self.name.clone(),
            source: format!("it answered {kind}").into(),
        }
    }
}

impl Replicated {
    fn is_behind(&self) -> bool {
        self.behind.load(Ordering::Acquire)
    }

    fn wait(&self) -> Cmd {
        let millis = u64::try_from(self.wait.limit.as_millis()).unwrap_or(u64::MAX);
        let mut wait = cmd("WAIT");
        wait.arg(self.wait.replicas).arg(millis);
        wait
    }
}

#[async_trait]
impl TokenStore for RedisStore {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        let shared = &self.shared;
        let mut get = Pipeline::with_capacity(2);
        get.cmd("GET")
            .arg(shared.layout.record(&shared.layout.place(key)));
        let found = match &shared.replicated {
            Some(replicated) if replicated.is_behind() => {
                shared.read_behind(replicated, get).await?
            }
            _ => {
                let answers = shared.reads.call(&get).await;
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

    /// A page has at most 1,000 keys, and in a cluster those of one bucket of 64: it may be short or empty, and yet not be
    /// the last.
    async fn list(
        &self,
        filter: Filter,
        cursor: Option<Cursor>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let shared = &self.shared;
        let listing = Listing::new(filter, cursor.as_ref())?;
        // A script in a cluster may touch the names of one slot.
        let one_bucket = matches!(shared.reads, Server::Cluster(_));
        let invocation = listing.invocation(&shared.layout, limit, one_bucket);
        let answers = shared.reads.invoke(&invocation, None).await;
        let answers = answers.map_err(|fault| shared.error(fault, Call::Read))?;
        let answer = answers.into_iter().next();
        answer
            .and_then(|answer| listing.page(answer, one_bucket))
            .ok_or_else(|| shared.unexpected(None).into())
    }

    /// Every change that any process makes under the same prefix, as Redis publishes it.
    ///
    /// What changes while the connection is lost is missed, and of what a watcher is more than 1,024 changes behind, the
    /// oldest.
    fn watch(&self) -> Option<BoxStream<'static, Change>> {
        self.shared.watch.stream()
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("server", &self.shared.name)
            .field("prefix", &self.shared.layout.prefix)
            .finish_non_exhaustive()
    }
}

/// The policy by which a server that says this of its memory will evict keys.
fn evicts(memory: &str) -> Option<&str> {
    let field = |name| {
        memory
            .lines()
            .find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(':'))
    };
    let policy = field("maxmemory_policy")?;
    (policy != "noeviction" && field("maxmemory") != Some("0")).then_some(policy)
}
