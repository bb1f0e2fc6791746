//! Putting an engine together.

use std::{collections::HashSet, sync::Arc};

use tokenkeeper_protocol::Provider;
use tokenkeeper_store::TokenStore;
use tokio::runtime::Handle;

use super::Accounts;
use crate::{
    clock::Clock,
    engine::registry::base_of,
    engine::{Core, Parts, background},
    error::Error,
    flow::FlowKey,
    options::{Options, SHORTEST_LEASE},
    transport::Transport,
};

/// Puts [`Accounts`] together.
#[derive(Debug)]
#[must_use = "nothing is made before `build`"]
pub struct AccountsBuilder {
    store: Arc<dyn TokenStore>,
    providers: Vec<Arc<dyn Provider>>,
    transport: Option<Arc<dyn Transport>>,
    options: Options,
    clock: Option<Arc<dyn Clock>>,
    flow_key: Option<FlowKey>,
    runtime: Option<Handle>,
}

impl Accounts {
    /// Starts with the store; an `Arc<dyn TokenStore>` will do.
    pub fn builder(store: impl TokenStore) -> AccountsBuilder {
        AccountsBuilder {
            store: Arc::new(store),
            providers: Vec::new(),
            transport: None,
            options: Options::default(),
            clock: None,
            flow_key: None,
            runtime: None,
        }
    }
}

impl AccountsBuilder {
    /// Adds a provider. Brand, base and client id together must be its alone.
    pub fn provider(mut self, provider: impl Provider) -> Self {
        self.providers.push(Arc::new(provider));
        self
    }

    /// How token requests leave.
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Other lengths than the defaults.
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Another clock than the operating system's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// The key that seals flows. Without one each engine draws its own, and a login has to be
    /// finished by the process that started it.
    pub fn flow_key(mut self, key: FlowKey) -> Self {
        self.flow_key = Some(key);
        self
    }

    /// The runtime of all the engine's tasks; it must have timers. Default: the one that
    /// [`build`](Self::build) is called in, else a thread of the engine's own. If it ends
    /// before the engine, such a thread takes its place.
    pub fn runtime(mut self, runtime: Handle) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Checks the parts and makes the engine. No I/O.
    ///
    /// # Errors
    /// [`Error::Build`] says what is missing or contradicts itself.
    pub fn build(self) -> Result<Accounts, Error> {
        if let Some(problem) = self.options.problem() {
            return Err(Error::Build(problem));
        }
        let transport = self.transport.ok_or_else(|| {
            Error::Build("a transport is missing: add one with `transport`".to_owned())
        })?;
        if self.providers.is_empty() {
            let problem = "a provider is missing: add one with `provider`";
            return Err(Error::Build(problem.to_owned()));
        }
        let mut seen = HashSet::new();
        for provider in &self.providers {
            let client_id = provider.client().registration().client_id();
            if !seen.insert((provider.brand(), base_of(provider), client_id)) {
                let brand = provider.brand();
                let problem = format!(
                    "two providers have the brand `{brand}`, the same base and the same client id"
                );
                return Err(Error::Build(problem));
            }
        }
        for provider in &self.providers {
            let dialect = provider.client().dialect();
            let grace = dialect
                .refresh
                .grace_seconds
                .map(std::time::Duration::from_secs);
            if self.options.lease_within(grace) < SHORTEST_LEASE {
                let brand = provider.brand();
                return Err(Error::Build(format!(
                    "the grace window of `{brand}` leaves less than a second for a lease: leave `grace_seconds` out"
                )));
            }
        }
        let runtime = match self.runtime {
            Some(runtime) if !has_timers(&runtime) => {
                let problem = "the runtime has no timers: build it with `enable_time`";
                return Err(Error::Build(problem.to_owned()));
            }
            Some(runtime) => Some(runtime),
            None => Handle::try_current().ok().filter(has_timers),
        };
        let core = Arc::new(Core::new(Parts {
            store: self.store,
            providers: self.providers,
            transport,
            options: self.options,
            clock: self.clock,
            flow_key: self.flow_key.unwrap_or_else(FlowKey::random),
            runtime,
        }));
        background::start(&core)?;
        Ok(Accounts::from_core(core))
    }
}

/// Whether a task may sleep there: tokio says it by a panic only.
fn has_timers(runtime: &Handle) -> bool {
    let _entered = runtime.enter();
    let sleep = || drop(tokio::time::sleep(std::time::Duration::ZERO));
    std::panic::catch_unwind(sleep).is_ok()
}
