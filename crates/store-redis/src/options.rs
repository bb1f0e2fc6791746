//! How a store is opened.

use std::fmt;
use std::time::Duration;

use redis::TlsCertificates;
use tokenkeeper_store::{Encrypted, Keyring, StoreError};

use crate::url::Target;
use crate::{RedisError, RedisStore, connect};

/// How a [`RedisStore`] is opened, where [`RedisStore::open`] does not say enough.
///
/// ```no_run
/// use std::time::Duration;
/// use tokenkeeper_store::Keyring;
/// use tokenkeeper_store_redis::RedisOptions;
///
/// # async fn open() -> Result<(), Box<dyn std::error::Error>> {
/// let options = RedisOptions::new("rediss://tokenkeeper:secret@redis.example/1")?
///     .root_certificates(std::fs::read("ca.pem")?)
///     .prefix("app:")
///     .wait(1, Duration::from_millis(500));
/// let store = options.open(Keyring::from_env("TOKENKEEPER_KEYS")?).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "it opens nothing yet"]
pub struct RedisOptions {
    pub(crate) target: Target,
    pub(crate) prefix: String,
    pub(crate) timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) wait: Option<Wait>,
    pub(crate) certificates: Option<TlsCertificates>,
    pub(crate) sentinel_login: Option<(String, String)>,
    pub(crate) allow_eviction: bool,
}

/// How many replicas are waited for, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    pub(crate) replicas: u32,
    pub(crate) limit: Duration,
}

impl RedisOptions {
    /// For the server that `url` names:
    ///
    /// | URL | server |
    /// |---|---|
    /// | `redis://[user:password@]host[:port][/database]` | one server |
    /// | `redis+cluster://[user:password@]host[:port],host[:port]…` | a cluster, and some of its servers to begin with |
    /// | `redis+sentinel://[user:password@]host[:port],…/master[/database]` | the master of that name, and its sentinels |
    ///
    /// `rediss` in the place of `redis` is TLS. In user and password, what is not a letter or digit is written as `%XX`.
    /// Behind a question mark may stand `prefix=…` and `wait=replicas`, as [`prefix`](Self::prefix) and, with half a second,
    /// [`wait`](Self::wait).
    ///
    /// # Errors
    /// [`RedisError::BadUrl`], which names the part that is wrong.
    pub fn new(url: &str) -> Result<Self, RedisError> {
        let target = Target::parse(url)?;
        let wait = target.wait.filter(|replicas| *replicas > 0);
        Ok(Self {
            prefix: target
                .prefix
                .clone()
                .unwrap_or_else(|| "tokenkeeper:".to_owned()),
            timeout: Duration::from_secs(2),
            connect_timeout: Duration::from_secs(2),
            wait: wait.map(|replicas| Wait {
                replicas,
                limit: Duration::from_millis(500),
            }),
            certificates: None,
            sentinel_login: None,
            allow_eviction: false,
            target,
        })
    }

    /// What all names in Redis begin with; `tokenkeeper:` by default. It must not have braces.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// How long a call waits for its answer; 2 s by default. A write whose answer does not come is
    /// [`StoreError::Ambiguous`].
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long a connection may take to be made, the login with it; 2 s by default.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Makes each write wait until so many replicas have it, so that a failover to one of them does not lose it.
    ///
    /// It costs no round trip to us, but the master's to its replicas. If fewer have it within `limit`, the write is
    /// [`StoreError::Ambiguous`]: it was made, but may be lost with the master.
    pub fn wait(mut self, replicas: u32, limit: Duration) -> Self {
        self.wait = Some(Wait { replicas, limit });
        self
    }

    /// Trusts the authorities whose certificates are in `pem`, and no others; by default those of the system.
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        let client = self.certificates.take().and_then(|c| c.client_tls);
        self.certificates = Some(TlsCertificates {
            client_tls: client,
            root_cert: Some(pem.into()),
        });
        self
    }

    /// Shows the server a certificate, with its key, both in PEM.
    pub fn client_certificate(
        mut self,
        certificate: impl Into<Vec<u8>>,
        key: impl Into<Vec<u8>>,
    ) -> Self {
        let root = self.certificates.take().and_then(|c| c.root_cert);
        self.certificates = Some(connect::certificates(
            root,
            Some((certificate.into(), key.into())),
        ));
        self
    }

    /// The login at the sentinels, where they want one; the URL's is that at the master. The user may be empty.
    pub fn sentinel_login(mut self, user: &str, password: &str) -> Self {
        self.sentinel_login = Some((user.to_owned(), password.to_owned()));
        self
    }

    /// Accepts a server that evicts keys when its memory is full. Each that it evicts logs a person out.
    pub fn allow_eviction(mut self) -> Self {
        self.allow_eviction = true;
        self
    }

    /// Opens the store, which encrypts with the current key of `keyring`.
    ///
    /// # Errors
    /// As for [`RedisStore::open`].
    pub async fn open(self, keyring: Keyring) -> Result<Encrypted<RedisStore>, StoreError> {
        Ok(Encrypted::new(self.plaintext().await?, keyring))
    }

    /// Opens the store without encryption: whoever can read the server's memory, its files or a backup has every token
    /// in it.
    ///
    /// # Errors
    /// As for [`RedisStore::open`].
    pub async fn plaintext(self) -> Result<RedisStore, StoreError> {
        self.check()?;
        RedisStore::start(self).await
    }

    /// How long an answer may take, with the wait for replicas in it.
    pub(crate) fn answer_timeout(&self) -> Duration {
        self.timeout + self.wait.map_or(Duration::ZERO, |wait| wait.limit)
    }

    fn check(&self) -> Result<(), RedisError> {
        let problem = |option, problem| Err(RedisError::BadOption { option, problem });
        if self.prefix.contains(['{', '}']) {
            return problem(
                "prefix",
                "braces in it would move records between a cluster's slots",
            );
        }
        if self.timeout.is_zero() || self.connect_timeout.is_zero() {
            return problem("timeout", "it must be more than zero");
        }
        match self.wait {
            Some(wait) if wait.replicas == 0 => {
                problem("wait", "to wait for no replica is not to wait")
            }
            // To Redis, 0 is for ever.
            Some(wait) if wait.limit < Duration::from_millis(1) => {
                problem("wait", "it must be at least a millisecond")
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for RedisOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisOptions")
            .field("server", &self.target)
            .field("prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("wait", &self.wait)
            .finish_non_exhaustive()
    }
}
