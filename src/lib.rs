//! Keeps the OAuth 2.0 tokens of other people's accounts fresh, and never loses one.
//!
//! Software that calls an API on behalf of other people holds their tokens. Wrap its HTTP client,
//! and every request carries a valid one: refreshed ahead of its expiry, once for all tasks that
//! wait for it, and written to the store before it is served. A refresh token is never presented
//! twice at once, and a token that was handed to us is never lost, even if every caller stops
//! waiting for it.
//!
//! ```
//! # #[cfg(all(feature = "amiqus", feature = "hyper", feature = "memory"))]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use tokenkeeper::{
//!     Accounts, MemoryStore, protocol::Registration, providers::Amiqus, transport::HyperTransport,
//! };
//!
//! // At the start of the program, once: the TLS of your choice.
//! let _ = rustls::crypto::ring::default_provider().install_default();
//!
//! let registration = Registration::new("my-client-id", "https://app.example/callback")
//!     .secret("my-secret");
//! let accounts = Accounts::builder(MemoryStore::new())
//!     .provider(Amiqus::new(registration)?)
//!     .transport(HyperTransport::new()?)
//!     .build()?;
//!
//! // The account of one of your users: send the person to `login.url`, keep `login.flow`.
//! let account = accounts.account("amiqus", "user-42")?;
//! let login = account.connect()?;
//! assert!(login.url.as_str().starts_with("https://id.amiqus.co/oauth/authorize?"));
//!
//! // After `accounts.finish(login.flow, redirect)`: requests that carry the account's token.
//! let layer = tokenkeeper::tower::TokenLayer::new(account);
//! # drop(layer);
//! # Ok(()) }
//! # #[cfg(not(all(feature = "amiqus", feature = "hyper", feature = "memory")))]
//! # fn main() {}
//! ```
//!
//! # Modules
//!
//! | what | where | feature |
//! |---|---|---|
//! | accounts, logins, errors, events, options | the root | |
//! | [`MemoryStore`] | the root | `memory` |
//! | token sources of a front: a custom one, or a fixed token in your tests | [`source`] | |
//! | how token requests are sent | [`transport`] | `hyper`, `reqwest` |
//! | what an error holds | [`error`] | |
//! | the audit trail, and where it goes | [`audit`] | |
//! | the clock of an engine | [`clock`] | |
//! | a clock that your tests move | [`testing`] | |
//! | registrations, redirects, token sets, dialects | [`protocol`] | `toml` for dialects from text |
//! | the trait of stores, encryption at rest, where its keys are | [`store`] | `keychain` for the keychain of the system |
//! | a store in a file, a store in Redis | [`sqlite`], [`mod@redis`] | `sqlite`, `redis` |
//! | a layer for any client that is a tower service | [`tower`] | `tower` |
//! | a middleware for reqwest | [`mod@reqwest`] | `reqwest` |
//! | connect, callback and disconnect routes | [`axum`] | `axum` |
//! | logins of a command, by a browser or a device code | [`login`] | `login` |
//! | events, counts of accounts, metrics | [`operating`] | `metrics` for the latter |
//! | the providers with an adapter | [`providers`] | `providers`, or each by its name |
//! | the dialects of well-known providers | [`presets`] | `presets` |
//!
//! No feature is on by default; `full` turns all of them on but `keychain`. No feature enables a
//! rustls crypto provider: the application installs one. Emulators of the providers, for your
//! tests, are the crate `tokenkeeper-emulator`.

#[doc(inline)]
pub use tokenkeeper_engine::{
    Account, Accounts, AccountsBuilder, Advice, Cause, Confirmation, ConnectOptions, Connection,
    DeviceFlow, DeviceFlowInfo, DeviceLogin, Error, Event, EventKind, Flow, FlowInfo, FlowKey,
    Login, LoginRedirect, Options, Refresher, Status, StoreDown, Token, Unwritten,
};
#[doc(no_inline)]
pub use tokenkeeper_engine::{protocol, store};
#[cfg(feature = "memory")]
#[doc(inline)]
pub use tokenkeeper_store_memory::MemoryStore;

#[cfg(feature = "axum")]
#[doc(no_inline)]
pub use tokenkeeper_axum as axum;
#[cfg(feature = "login")]
#[doc(no_inline)]
pub use tokenkeeper_login as login;
#[cfg(feature = "presets")]
#[doc(no_inline)]
pub use tokenkeeper_presets as presets;
#[cfg(feature = "reqwest")]
#[doc(no_inline)]
pub use tokenkeeper_reqwest as reqwest;
#[cfg(feature = "redis")]
#[doc(no_inline)]
pub use tokenkeeper_store_redis as redis;
#[cfg(feature = "sqlite")]
#[doc(no_inline)]
pub use tokenkeeper_store_sqlite as sqlite;
#[cfg(feature = "tower")]
#[doc(no_inline)]
pub use tokenkeeper_tower as tower;

/// What a front asks for tokens: an [`Account`], or a source that you write.
pub mod source {
    #[doc(inline)]
    pub use tokenkeeper_engine::{
        AttachResult, Credential, TokenPlacement, TokenSource, TokenVersion,
    };
}

/// How token requests are sent.
pub mod transport {
    #[doc(inline)]
    pub use tokenkeeper_engine::{RequestBody, Transport, TransportError, exchange_within};
    #[cfg(feature = "reqwest")]
    #[doc(inline)]
    pub use tokenkeeper_reqwest::ReqwestTransport;
    #[cfg(feature = "hyper")]
    #[doc(inline)]
    pub use tokenkeeper_tower::{HyperTransport, Resolve};
}

/// What operators look at: events and counts of accounts, why a refresh failed, and which entries
/// of a store are no accounts.
pub mod operating {
    #[doc(inline)]
    pub use tokenkeeper_engine::{
        AccountHealth, Backlog, Events, FailureClass, Overview, ProviderOverview, RefreshFailure,
        is_internal_entry,
    };
}

/// What an [`Error`] holds.
pub mod error {
    #[doc(inline)]
    pub use tokenkeeper_engine::{
        DeviceAuthorizationError, ExchangeError, FlowError, IntrospectionError, RecordError,
    };
}

/// Who did what to an account, and when.
pub mod audit {
    #[doc(inline)]
    pub use tokenkeeper_engine::{
        Actor, Audit, AuditEntry, AuditKind, AuditReason, AuditSender, AuditSink, AuditStream,
        JsonLines, audit_channel,
    };
}

/// The clock of an engine.
pub mod clock {
    #[doc(inline)]
    pub use tokenkeeper_engine::{Clock, SystemClock};
}

/// For your tests: a clock that they move. Emulators of providers are the crate
/// `tokenkeeper-emulator`.
pub mod testing {
    #[doc(inline)]
    pub use tokenkeeper_engine::TestClock;
}

/// The providers with an adapter. For others there are [`presets`], or write a
/// [`Dialect`](protocol::Dialect).
pub mod providers {
    #[cfg(feature = "amiqus")]
    #[doc(inline)]
    pub use tokenkeeper_provider_amiqus::Amiqus;
    #[cfg(feature = "fortes-milestones")]
    #[doc(inline)]
    pub use tokenkeeper_provider_fortes_milestones::FortesMilestones;
    #[cfg(feature = "ioffice")]
    #[doc(inline)]
    pub use tokenkeeper_provider_ioffice::IOffice;
    #[cfg(feature = "qics-milestones")]
    #[doc(inline)]
    pub use tokenkeeper_provider_qics_milestones::QicsMilestones;
}

/// The program in the README runs.
#[cfg(all(doctest, feature = "amiqus", feature = "memory", feature = "reqwest"))]
#[doc = include_str!("../README.md")]
struct Readme;

/// The code of the guides is compiled as tests.
#[cfg(doctest)]
mod guides {
    #[doc = include_str!("../docs/guides/connect-in-axum.md")]
    struct ConnectInAxum;
    #[doc = include_str!("../docs/guides/log-in-from-a-cli.md")]
    struct LogInFromACli;
    #[doc = include_str!("../docs/guides/moving-from-oauth2.md")]
    struct MovingFromOauth2;
    #[doc = include_str!("../docs/guides/other-clients.md")]
    struct OtherClients;
    #[doc = include_str!("../docs/guides/workers-on-redis.md")]
    struct WorkersOnRedis;
    #[doc = include_str!("../docs/guides/your-own-provider.md")]
    struct YourOwnProvider;
    #[doc = include_str!("../docs/guides/your-own-store.md")]
    struct YourOwnStore;
}
