//! Keeps the OAuth 2.0 tokens of other people's accounts: fresh, and never lost.
//!
//! Software that calls an API on behalf of other people holds their tokens. Wrap its HTTP client, and every request leaves with a valid one:
//! refreshed when it is about to end, once for all tasks that wait for it, written to the store before it is served. A refresh token is never
//! presented twice at once, and a token that was handed to us is never lost, whoever stops waiting for it.
//!
//! ```
//! # #[cfg(all(feature = "amiqus", feature = "hyper", feature = "memory"))]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use tokenkeeper::{Accounts, MemoryStore, protocol::Registration, providers::Amiqus, tower::HyperTransport};
//!
//! // At the start of the program, once: the TLS of your choice.
//! rustls::crypto::ring::default_provider().install_default().expect("nothing was installed before");
//!
//! let registration = Registration::new("my-client-id", "https://app.example/callback")?.secret("my-secret");
//! let accounts = Accounts::builder(MemoryStore::new())
//!     .provider(Amiqus::new(registration)?)
//!     .transport(HyperTransport::new()?)
//!     .build()?;
//!
//! // The account of one of your users; where to send the person, and what to keep for the callback.
//! let account = accounts.account("amiqus", "user-42")?;
//! let start = account.connect()?;
//! assert!(start.url.as_str().starts_with("https://id.amiqus.co/oauth/authorize?"));
//!
//! // After `accounts.finish(start.flow, redirect)`: a client whose requests carry the account's token.
//! let layer = tokenkeeper::tower::TokenLayer::new(account);
//! # drop(layer);
//! # Ok(()) }
//! # #[cfg(not(all(feature = "amiqus", feature = "hyper", feature = "memory")))]
//! # fn main() {}
//! ```
//!
//! # Where what is
//!
//! | what | where | feature |
//! |---|---|---|
//! | accounts, logins, errors, events | the root | |
//! | registrations, redirects, token sets, dialects | [`protocol`] | |
//! | the store's trait, encryption at rest | [`store`] | |
//! | [`MemoryStore`] | the root | `memory` * |
//! | a store in a file, a store in Redis | [`sqlite`], [`mod@redis`] | `sqlite`, `redis` |
//! | a layer for any client that is a tower service | [`tower`] | `tower` * |
//! | token requests by hyper-util's client | [`tower::HyperTransport`] | `hyper` * |
//! | a middleware for reqwest, token requests by reqwest | [`mod@reqwest`] | `reqwest` |
//! | connect, callback and disconnect routes | [`axum`] | `axum` |
//! | the providers | [`providers`] | `providers` *, or `amiqus`, `fortes-milestones`, `ioffice`, `qics-milestones` |
//!
//! Those with a star are on by default; `full` turns all of them on. No feature enables a rustls crypto provider: the application installs one.
//! Emulators of the providers, for your tests, are a crate of their own: `tokenkeeper-emulator`.

pub use tokenkeeper_engine::*;

#[cfg(feature = "axum")]
pub use tokenkeeper_axum as axum;
#[cfg(feature = "reqwest")]
pub use tokenkeeper_reqwest as reqwest;
#[cfg(feature = "memory")]
pub use tokenkeeper_store_memory::MemoryStore;
#[cfg(feature = "redis")]
pub use tokenkeeper_store_redis as redis;
#[cfg(feature = "sqlite")]
pub use tokenkeeper_store_sqlite as sqlite;
#[cfg(feature = "tower")]
pub use tokenkeeper_tower as tower;

/// The providers that have an adapter. For any other, read a [`Dialect`](protocol::Dialect) from a text.
pub mod providers {
    #[cfg(feature = "amiqus")]
    pub use tokenkeeper_provider_amiqus::Amiqus;
    #[cfg(feature = "fortes-milestones")]
    pub use tokenkeeper_provider_fortes_milestones::FortesMilestones;
    #[cfg(feature = "ioffice")]
    pub use tokenkeeper_provider_ioffice::IOffice;
    #[cfg(feature = "qics-milestones")]
    pub use tokenkeeper_provider_qics_milestones::QicsMilestones;
}

/// The program in the README compiles.
#[cfg(all(
    doctest,
    feature = "amiqus",
    feature = "memory",
    feature = "redis",
    feature = "reqwest",
    feature = "sqlite"
))]
#[doc = include_str!("../README.md")]
struct Readme;
