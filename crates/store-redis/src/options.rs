//! The options of a store.

use std::fmt;
use std::time::Duration;

use tokenkeeper_store::{Encrypted, Keys, StoreError};

use crate::settings::Settings;
use crate::url::Target;
use crate::{RedisError, RedisStore, connect};

const DEFAULT_PREFIX: &str = "tokenkeeper:";

/// Options for opening a [`RedisStore`].
///
/// Setters cannot fail; [`open`](Self::open) checks the URL and all options.
///
/// ```no_run
/// use std::time::Duration;
/// use tokenkeeper_store::Keyring;
/// use tokenkeeper_store_redis::RedisOptions;
///
/// # async fn open() -> Result<(), Box<dyn std::error::Error>> {
/// let store = RedisOptions::new("rediss://tokenkeeper:secret@redis.example/1")
///     .root_certificates(std::fs::read("ca.pem")?)
///     .prefix("app:")
///     .min_replicas(1)
///     .response_timeout(Duration::from_secs(1))
///     .open(Keyring::from_env("TOKENKEEPER_KEYS")?)
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "options do nothing until a store is opened with them"]
pub struct RedisOptions {
    url: String,
    prefix: Option<String>,
    response_timeout: Duration,
    connect_timeout: Duration,
    min_replicas: Option<u32>,
    replication_timeout: Duration,
    root_certificates: Option<Vec<u8>>,
    client_certificate: Option<(Vec<u8>, Vec<u8>)>,
    sentinel_login: Option<(String, String)>,
    allow_eviction: bool,
    allow_unencrypted_network: bool,
}

impl RedisOptions {
    /// Options for the server at `url`:
    ///
    /// | URL | server |
    /// |---|---|
    /// | `redis://[user:password@]host[:port][/database]` | one server |
    /// | `redis+cluster://[user:password@]host[:port],...` | a cluster, by some of its nodes |
    /// | `redis+sentinel://[user:password@]host[:port],.../master[/database]` | a Sentinel master |
    ///
    /// `rediss` instead of `redis` is TLS, which is required beyond loopback unless
    /// [`allow_unencrypted_network`](Self::allow_unencrypted_network) is set. In user and password,
    /// every character but letters and digits is written as `%XX`. The query may have `prefix` and
    /// `min_replicas`, as the [setters](Self::min_replicas) of the same names, which take
    /// precedence.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            prefix: None,
            response_timeout: Duration::from_secs(2),
            connect_timeout: Duration::from_secs(2),
            min_replicas: None,
            replication_timeout: Duration::from_millis(500),
            root_certificates: None,
            client_certificate: None,
            sentinel_login: None,
            allow_eviction: false,
            allow_unencrypted_network: false,
        }
    }

    /// Sets the prefix of all names in Redis, without braces; `tokenkeeper:` by default.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = Some(prefix.into());
        self
    }

    /// Sets how long a call waits for its answer; 2 s by default.
    ///
    /// A write without an answer is [`StoreError::Ambiguous`].
    pub fn response_timeout(mut self, timeout: Duration) -> Self {
        self.response_timeout = timeout;
        self
    }

    /// Sets how long a connection and its login may take; 2 s by default.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Makes each write wait until `replicas` replicas have it, so that a failover to one of them
    /// does not lose it; 0 by default.
    ///
    /// It adds no round trip to the master, only the master's to its replicas. If fewer replicas
    /// have the write within the [replication timeout](Self::replication_timeout), it is
    /// [`StoreError::Ambiguous`]: it was made, but may be lost with the master.
    pub fn min_replicas(mut self, replicas: u32) -> Self {
        self.min_replicas = Some(replicas);
        self
    }

    /// Sets how long a write waits for its [replicas](Self::min_replicas); 500 ms by default.
    pub fn replication_timeout(mut self, timeout: Duration) -> Self {
        self.replication_timeout = timeout;
        self
    }

    /// Trusts only the authorities with certificates in `pem`; by default those of the system.
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificates = Some(pem.into());
        self
    }

    /// Presents a certificate, with its key, to the server; both in PEM.
    pub fn client_certificate(
        mut self,
        certificate: impl Into<Vec<u8>>,
        key: impl Into<Vec<u8>>,
    ) -> Self {
        self.client_certificate = Some((certificate.into(), key.into()));
        self
    }

    /// Sets the login at the sentinels, if they require one; the URL has the login at the master.
    ///
    /// The user may be empty.
    pub fn sentinel_login(mut self, user: &str, password: &str) -> Self {
        self.sentinel_login = Some((user.to_owned(), password.to_owned()));
        self
    }

    /// Accepts a server that evicts keys when its memory is full. Each eviction logs a person out.
    pub fn allow_eviction(mut self) -> Self {
        self.allow_eviction = true;
        self
    }

    /// Speaks to servers beyond loopback without TLS: anyone who can read or change the traffic has
    /// the login, can put old records back, and has every token of a store that does not encrypt.
    ///
    /// Without this, such a URL is refused, and so is a node that a cluster names. So are sentinels
    /// without TLS, even on loopback: they name the server, and the login goes there.
    pub fn allow_unencrypted_network(mut self) -> Self {
        self.allow_unencrypted_network = true;
        self
    }

    /// Opens a store that encrypts with the current one of `keys`.
    ///
    /// # Errors
    /// As for [`RedisStore::open`].
    pub async fn open(self, keys: impl Into<Keys>) -> Result<Encrypted<RedisStore>, StoreError> {
        let keys = keys.into();
        Ok(Encrypted::new(self.open_plaintext().await?, keys))
    }

    /// Opens a store without encryption: anyone who can read the server's memory, its files or a
    /// backup has every token.
    ///
    /// # Errors
    /// As for [`RedisStore::open`].
    pub async fn open_plaintext(self) -> Result<RedisStore, StoreError> {
        RedisStore::start(self.settings()?).await
    }

    /// Parses the URL and checks all options.
    fn settings(self) -> Result<Settings, RedisError> {
        let target = Target::parse(&self.url)?;
        let prefix = self.prefix.or_else(|| target.prefix.clone());
        let certificates = (self.root_certificates.is_some() || self.client_certificate.is_some())
            .then(|| connect::certificates(self.root_certificates, self.client_certificate));
        let settings = Settings {
            prefix: prefix.unwrap_or_else(|| DEFAULT_PREFIX.to_owned()),
            response_timeout: self.response_timeout,
            connect_timeout: self.connect_timeout,
            min_replicas: self.min_replicas.or(target.min_replicas).unwrap_or(0),
            replication_timeout: self.replication_timeout,
            certificates,
            sentinel_login: self.sentinel_login,
            allow_eviction: self.allow_eviction,
            allow_unencrypted_network: self.allow_unencrypted_network,
            target,
        };
        settings.check()?;
        Ok(settings)
    }
}

impl fmt::Debug for RedisOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may have a password, even where it cannot be parsed.
        let server = Target::parse(&self.url).map(|target| target.name());
        f.debug_struct("RedisOptions")
            .field("server", &server.as_deref().unwrap_or("<not a URL>"))
            .field("prefix", &self.prefix)
            .field("response_timeout", &self.response_timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("min_replicas", &self.min_replicas)
            .field("replication_timeout", &self.replication_timeout)
            .finish_non_exhaustive()
    }
}
