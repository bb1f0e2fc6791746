//! What may go wrong with the server.

use tokenkeeper_store::{BoxError, KeyDigest, StoreError};

/// Why Redis cannot be used: the source of the [`StoreError`] that a call returns.
///
/// Each says what to do. None shows a password, a value or a subject.
///
/// ```
/// use tokenkeeper_store_redis::{RedisError, RedisOptions};
///
/// let error = RedisOptions::new("redis://localhost:port").unwrap_err();
/// assert!(matches!(error, RedisError::BadUrl { part: "port", .. }));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RedisError {
    /// The URL makes no sense.
    #[error("the {part} of the store's URL is wrong: {problem}")]
    BadUrl {
        /// Which part.
        part: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// An option makes no sense.
    #[error("the option `{option}` cannot be used: {problem}")]
    BadOption {
        /// Which one.
        option: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The process has installed no crypto provider, which TLS needs.
    #[error(
        "no rustls crypto provider is installed; install one when the program starts, as `rustls::crypto::ring::default_provider().install_default()`"
    )]
    NoCryptoProvider,
    /// A certificate or its key cannot be read.
    #[error("a certificate or key given for {server} cannot be used; give it in PEM")]
    BadCertificate {
        /// Where Redis is.
        server: String,
        /// What is wrong with it.
        #[source]
        source: BoxError,
    },
    /// There is no connection, and none could be made. Nothing was sent.
    #[error("no connection to {server} can be made; check that it runs and can be reached")]
    Unreachable {
        /// Where Redis is.
        server: String,
        /// What the system or the server said.
        #[source]
        source: BoxError,
    },
    /// The connection was lost before an answer came, or it did not come in time.
    #[error("no answer came from {server}")]
    NoAnswer {
        /// Where Redis is.
        server: String,
        /// What the system said.
        #[source]
        source: BoxError,
    },
    /// The server does not know the user or the password.
    #[error("{server} refuses the user or the password; check both")]
    Refused {
        /// Where Redis is.
        server: String,
        /// What it said.
        #[source]
        source: BoxError,
    },
    /// The user may not do what the store needs.
    #[error(
        "{server} does not permit the user what the store needs; see the documentation of the crate for the rules"
    )]
    NotPermitted {
        /// Where Redis is.
        server: String,
        /// What it said.
        #[source]
        source: BoxError,
    },
    /// The server cannot answer now: it is loading its data, its cluster is not whole, or it may not write for the moment.
    #[error("{server} is not ready")]
    NotReady {
        /// Where Redis is.
        server: String,
        /// What it said.
        #[source]
        source: BoxError,
    },
    /// The server is a replica, which takes no writes.
    #[error("{server} is a replica and takes no writes; connect to its master")]
    Replica {
        /// Where Redis is.
        server: String,
        /// What it said.
        #[source]
        source: BoxError,
    },
    /// The server is at its `maxmemory`. What was there is still there.
    #[error("{server} has no memory left for a write; raise its maxmemory")]
    NoRoom {
        /// Where Redis is.
        server: String,
        /// What it said.
        #[source]
        source: BoxError,
    },
    /// The server may evict records when its memory is full, and each of them would log a person out.
    #[error(
        "{server} evicts keys when its memory is full (maxmemory-policy {policy}), which would log people out; set it to noeviction"
    )]
    Evicts {
        /// Where Redis is.
        server: String,
        /// The policy that it has.
        policy: String,
    },
    /// The write was made, but fewer replicas than wanted said in time that they have it.
    #[error(
        "a write to {server} was acknowledged by {acknowledged} replicas in time where {wanted} were wanted"
    )]
    NotReplicated {
        /// Where Redis is.
        server: String,
        /// How many did.
        acknowledged: u32,
        /// How many were wanted.
        wanted: u32,
    },
    /// A record is not one that this crate wrote, or is damaged.
    #[error("the record of the account {account} cannot be read: {what}")]
    Damaged {
        /// Whose it should be.
        account: KeyDigest,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Something else is where a record or an index should be.
    #[error(
        "other data in {server} has the names of this store; give the store a prefix of its own"
    )]
    NotOurs {
        /// Where Redis is.
        server: String,
        /// What it said.
        #[source]
        source: BoxError,
    },
    /// The server answered what it should not.
    #[error("{server} answered in an unexpected way")]
    Unexpected {
        /// Where Redis is.
        server: String,
        /// What it said.
        #[source]
        source: BoxError,
    },
}

impl From<RedisError> for StoreError {
    /// As it is where nothing was written.
    fn from(error: RedisError) -> Self {
        match error {
            RedisError::Unreachable { .. }
            | RedisError::NoAnswer { .. }
            | RedisError::NotReady { .. }
            | RedisError::NoRoom { .. }
            | RedisError::NotReplicated { .. } => Self::unavailable(error),
            RedisError::Replica { .. } => Self::read_only(error),
            RedisError::Damaged { .. } | RedisError::NotOurs { .. } => Self::corrupt(error),
            RedisError::BadUrl { .. }
            | RedisError::BadOption { .. }
            | RedisError::NoCryptoProvider
            | RedisError::BadCertificate { .. }
            | RedisError::Refused { .. }
            | RedisError::NotPermitted { .. }
            | RedisError::Evicts { .. }
            | RedisError::Unexpected { .. } => Self::other(error),
        }
    }
}
