//! The builder of [`Accounts`].

use std::{collections::HashSet, sync::Arc, time::Duration};

use http::HeaderValue;
use tokenkeeper_protocol::Provider;
use tokenkeeper_store::TokenStore;
use tokio::runtime::Handle;

use super::Accounts;
use crate::{
    audit::Audit,
    clock::Clock,
    engine::registry::base_of,
    engine::{Core, Parts, background},
    error::Error,
    flow::FlowKey,
    options::{MIN_LEASE, Options},
    transport::Transport,
};

/// Builds [`Accounts`]. Setters cannot fail; [`build`](Self::build) checks everything.
///
/// ```
/// use tokenkeeper_engine::Accounts;
/// use tokenkeeper_store_memory::MemoryStore;
/// # use tokenkeeper_emulator::Emulator;
/// # use tokenkeeper_test_support::{InProcessTransport, amiqus};
///
/// # fn main() -> Result<(), tokenkeeper_engine::Error> {
/// # let provider = amiqus();
/// # let transport = InProcessTransport::new(Emulator::amiqus().in_process());
/// // A transport is that of a front, or your own.
/// let builder = Accounts::builder(MemoryStore::new()).provider(provider).transport(transport);
/// let accounts = builder.build()?;
/// assert_eq!(accounts.providers().count(), 1);
///
/// let error = Accounts::builder(MemoryStore::new()).build().unwrap_err();
/// assert!(error.to_string().contains("a provider is missing"));
/// assert!(error.to_string().contains("a transport is missing"));
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "a builder does nothing before `build`"]
pub struct AccountsBuilder {
    store: Arc<dyn TokenStore>,
    providers: Vec<Arc<dyn Provider>>,
    transport: Option<Arc<dyn Transport>>,
    user_agent: String,
    options: Options,
    clock: Option<Arc<dyn Clock>>,
    flow_key: Option<FlowKey>,
    runtime: Option<Handle>,
    audit: Option<Audit>,
}

impl Accounts {
    /// Creates a builder over `store`, which may be an `Arc<dyn TokenStore>`.
    pub fn builder(store: impl TokenStore) -> AccountsBuilder {
        AccountsBuilder {
            store: Arc::new(store),
            providers: Vec::new(),
            transport: None,
            user_agent: USER_AGENT.to_owned(),
            options: Options::default(),
            clock: None,
            flow_key: None,
            runtime: None,
            audit: None,
        }
    }
}

impl AccountsBuilder {
    /// Adds a provider. At least one is required, and the combination of brand, base and client id
    /// must be unique.
    pub fn provider(mut self, provider: impl Provider) -> Self {
        self.providers.push(Arc::new(provider));
        self
    }

    /// Sets the transport that sends token requests. Required.
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Sets the `User-Agent` of the requests to providers (RFC 9110 §10.1.5): your product and its
    /// version, which some providers require.
    ///
    /// Default: `tokenkeeper/` and the version of this crate.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// Sets the options.
    ///
    /// Default: [`Options::default`].
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Sets the clock.
    ///
    /// Default: [`SystemClock`](crate::SystemClock).
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// Sets the keys that seal flows: a [`FlowKey`], or a
    /// [`Keyring`](crate::store::Keyring).
    ///
    /// Default: a random key, so only the process that started a login can finish it.
    pub fn flow_key(mut self, key: impl Into<FlowKey>) -> Self {
        self.flow_key = Some(key.into());
        self
    }

    /// Sets the runtime of the engine's tasks. It must have timers.
    ///
    /// Default: the runtime that [`build`](Self::build) is called in, otherwise a dedicated thread.
    /// If the runtime ends before the engine, a thread replaces it.
    pub fn runtime(mut self, runtime: Handle) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Sets the audit trail: a sink such as [`JsonLines`](crate::JsonLines), or an [`Audit`] with
    /// its options. [`Accounts::shutdown`] waits until the sink has all entries.
    ///
    /// Default: none.
    pub fn audit(mut self, audit: impl Into<Audit>) -> Self {
        self.audit = Some(audit.into());
        self
    }

    /// Checks all settings and starts the engine. No I/O.
    ///
    /// # Errors
    /// - [`Error::Build`] names every setting that is missing, invalid or contradictory.
    /// - [`Error::NoRuntime`] if there is no runtime and no thread can be started.
    pub fn build(self) -> Result<Accounts, Error> {
        let mut problems = self.options.problems();
        problems.extend(self.audit.as_ref().and_then(Audit::problem));
        problems.extend(self.provider_problems());
        if self.runtime.as_ref().is_some_and(|it| !has_timers(it)) {
            problems.push("the runtime has no timers: build it with `enable_time`".to_owned());
        }
        if self.transport.is_none() {
            problems.push("a transport is missing: add one with `transport`".to_owned());
        }
        let user_agent = user_agent(&self.user_agent);
        if user_agent.is_none() {
            problems.push("the user agent must be visible ASCII with single spaces".to_owned());
        }
        let (Some(transport), Some(user_agent), true) =
            (self.transport, user_agent, problems.is_empty())
        else {
            return Err(Error::Build(problems.join("; ")));
        };
        let current = || Handle::try_current().ok().filter(has_timers);
        let core = Arc::new(Core::new(Parts {
            store: self.store,
            providers: self.providers,
            transport,
            user_agent,
            options: self.options,
            clock: self.clock,
            flow_key: self.flow_key.unwrap_or_else(FlowKey::random),
            runtime: self.runtime.or_else(current),
            audit: self.audit,
        }));
        background::start(&core)?;
        Ok(Accounts::from_core(core))
    }

    fn provider_problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.providers.is_empty() {
            problems.push("a provider is missing: add one with `provider`".to_owned());
        }
        let mut known = HashSet::new();
        for provider in &self.providers {
            let (brand, client) = (provider.brand(), provider.client());
            if !known.insert((brand, base_of(provider), client.registration().client_id())) {
                problems.push(format!(
                    "two providers have the brand `{brand}`, the same base and the same client id"
                ));
            }
            let grace = client.dialect().refresh.grace_seconds;
            let grace = grace
                .map(Duration::from_secs)
                .filter(|grace| !grace.is_zero());
            if grace.is_some() && self.options.lease_within(grace) < MIN_LEASE {
                problems.push(format!(
                    "the grace window of `{brand}` leaves less than a second for a lease: remove \
                     `grace_seconds`"
                ));
            }
        }
        problems
    }
}

const USER_AGENT: &str = concat!("tokenkeeper/", env!("CARGO_PKG_VERSION"));

/// Returns the header value if it reaches the provider unchanged.
fn user_agent(text: &str) -> Option<HeaderValue> {
    let plain = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_graphic());
    let value = text
        .split(' ')
        .all(plain)
        .then(|| HeaderValue::from_str(text));
    value?.ok()
}

/// Returns whether the runtime has timers. Tokio reports their absence only by a panic.
fn has_timers(runtime: &Handle) -> bool {
    let _entered = runtime.enter();
    let sleep = || drop(tokio::time::sleep(Duration::ZERO));
    std::panic::catch_unwind(sleep).is_ok()
}
