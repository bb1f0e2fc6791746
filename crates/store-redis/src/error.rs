//! The errors of the store.

use tokenkeeper_store::{BoxError, KeyDigest, StoreError};

/// The reason why Redis cannot be used: the source of the [`StoreError`] of a call.
///
/// Each names the remedy. None shows a password, a value or a subject.
///
/// ```
/// use std::error::Error as _;
/// use tokenkeeper_store_redis::{RedisError, RedisStore};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let error = RedisStore::open_plaintext("redis://localhost:port").await.unwrap_err();
/// let source = error.source().and_then(|source| source.downcast_ref());
/// assert!(matches!(source, Some(RedisError::BadUrl { part: "port", .. })));
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RedisError {
    /// The URL cannot be used.
    #[error("the {part} of the store's URL is wrong: {problem}")]
    BadUrl {
        /// The part.
        part: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// An option cannot be used.
    #[error("the option `{option}` cannot be used: {problem}")]
    BadOption {
        /// The option.
        option: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The process has not installed the crypto provider that TLS needs.
    #[error(
        "no rustls crypto provider is installed; install one when the program starts, as \
         `rustls::crypto::ring::default_provider().install_default()`"
    )]
    NoCryptoProvider,
    /// The server is beyond loopback and the URL is not TLS. Nothing was sent.
    #[error(
        "{node} is reached over a network without TLS: write rediss, or read \
         `RedisOptions::allow_unencrypted_network`"
    )]
    Unencrypted {
        /// The host and port of the server, of a sentinel, or of a node that a cluster names.
        node: String,
    },
    /// A certificate or its key cannot be read.
    #[error("a certificate or key given for {server} cannot be used: give it in PEM")]
    BadCertificate {
        /// The server's URL, without login and query.
        server: String,
        /// The error of the TLS library.
        #[source]
        source: BoxError,
    },
    /// No connection could be made. Nothing was sent.
    #[error("{server} cannot be reached: check that it runs, and the network")]
    Unreachable {
        /// The server's URL, without login and query.
        server: String,
        /// The error of the system or the server.
        #[source]
        source: BoxError,
    },
    /// The connection was lost before the answer, or the answer did not come in time.
    #[error("{server} did not answer: check that it runs, and the network")]
    NoAnswer {
        /// The server's URL, without login and query.
        server: String,
        /// The error of the system.
        #[source]
        source: BoxError,
    },
    /// The server rejects the user or the password.
    #[error("{server} refuses the user or the password: check both")]
    Refused {
        /// The server's URL, without login and query.
        server: String,
        /// The server's answer.
        #[source]
        source: BoxError,
    },
    /// The user may not do what the store needs.
    #[error(
        "the user lacks permissions at {server}: \
         see the documentation of the crate for the ACL"
    )]
    NotPermitted {
        /// The server's URL, without login and query.
        server: String,
        /// The server's answer.
        #[source]
        source: BoxError,
    },
    /// The server cannot answer now: it is loading its data, its cluster is incomplete, or it
    /// refuses writes for the moment.
    #[error("{server} is not ready; try again later")]
    NotReady {
        /// The server's URL, without login and query.
        server: String,
        /// The server's answer.
        #[source]
        source: BoxError,
    },
    /// The server is a replica, which accepts no writes.
    #[error("{server} is a replica and accepts no writes; connect to its master")]
    Replica {
        /// The server's URL, without login and query.
        server: String,
        /// The server's answer.
        #[source]
        source: BoxError,
    },
    /// The server has reached its `maxmemory`. The old record stays.
    #[error("{server} has no memory left for a write: raise its maxmemory")]
    NoRoom {
        /// The server's URL, without login and query.
        server: String,
        /// The server's answer.
        #[source]
        source: BoxError,
    },
    /// The server may evict records when its memory is full, which would log people out.
    #[error(
        "{server} evicts keys when its memory is full (maxmemory-policy {policy}), which would log \
         people out: set the policy to noeviction"
    )]
    Evicts {
        /// The server's URL, without login and query.
        server: String,
        /// The server's policy.
        policy: String,
    },
    /// The write was made, but too few replicas acknowledged it in time.
    #[error(
        "{acknowledged} of {wanted} replicas acknowledged a write to {server} in time; \
         check the replicas"
    )]
    NotReplicated {
        /// The server's URL, without login and query.
        server: String,
        /// How many acknowledged it.
        acknowledged: u32,
        /// How many were required.
        wanted: u32,
    },
    /// A record was not written by this crate, or is damaged.
    #[error(
        "the record of the account {account} cannot be read: {what}; restore it or log in again"
    )]
    Damaged {
        /// The account that the record belongs to.
        account: KeyDigest,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Other data has the name of a record or an index.
    #[error("{server} holds other data under this prefix: choose another one")]
    NotOurs {
        /// The server's URL, without login and query.
        server: String,
        /// The server's answer.
        #[source]
        source: BoxError,
    },
    /// The server gave an unexpected answer.
    #[error("{server} gave an unexpected answer: check that it is Redis 6.2 or newer")]
    Unexpected {
        /// The server's URL, without login and query.
        server: String,
        /// The server's answer.
        #[source]
        source: BoxError,
    },
}

impl From<RedisError> for StoreError {
    /// The error of a call that wrote nothing.
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
            | RedisError::Unencrypted { .. }
            | RedisError::BadCertificate { .. }
            | RedisError::Refused { .. }
            | RedisError::NotPermitted { .. }
            | RedisError::Evicts { .. }
            | RedisError::Unexpected { .. } => Self::other(error),
        }
    }
}
