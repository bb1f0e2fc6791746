//! The builder of an emulator.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::emulator::Emulator;
use crate::error::Error;
use crate::provider::amiqus::{Amiqus, AmiqusOptions};
use crate::provider::ioffice::{IOffice, IOfficeOptions};
use crate::provider::milestones::{Milestones, MilestonesOptions};
use crate::provider::plain::{Plain, PlainOptions};
use crate::provider::{ApiServer, Provider};
use crate::registration::{RegisteredClient, User};
use crate::server::{Host, accept};
use crate::setup::{self, Setup};

/// A builder of an emulator; `O` is the options of its provider.
///
/// Everything has a default: the client [`DEFAULT_CLIENT_ID`](crate::DEFAULT_CLIENT_ID), the user
/// [`DEFAULT_USER`](crate::DEFAULT_USER), the lifetimes of the provider's document, the system's
/// clock, a free port.
#[must_use = "a builder does nothing until `start` or `in_process`"]
pub struct Builder<O> {
    options: O,
    make: fn(O) -> Arc<dyn Provider>,
    setup: Setup,
}

impl<O> Builder<O> {
    fn new(options: O, make: fn(O) -> Arc<dyn Provider>) -> Self {
        Self {
            options,
            make,
            setup: Setup::default(),
        }
    }

    /// Sets the provider's options.
    pub fn options(mut self, options: O) -> Self {
        self.options = options;
        self
    }

    /// Registers a client instead of the default one; call it again for further ones.
    pub fn client(mut self, client: RegisteredClient) -> Self {
        self.setup.clients.push(client);
        self
    }

    /// Adds a user instead of the default one; call it again for further ones.
    pub fn user(mut self, user: User) -> Self {
        self.setup.users.push(user);
        self
    }

    /// Sets the clock by which codes and tokens age.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.setup.clock = Box::new(clock);
        self
    }

    /// Sets the port on 127.0.0.1. Default: a free one, which an API's own server always gets.
    pub fn port(mut self, port: u16) -> Self {
        self.setup.port = port;
        self
    }

    /// Sets the base URL that the emulator assumes for itself, such as `https://id.amiqus.co`.
    pub fn base_url(mut self, base: impl Into<String>) -> Self {
        self.setup.base = Some(base.into().trim_end_matches('/').to_owned());
        self
    }

    /// Makes the authorization page approve at once, as the first user.
    pub fn auto_approve(mut self) -> Self {
        self.setup.auto_approve = true;
        self
    }

    /// Keeps every request, including its secrets, for [`Emulator::recorded_requests`].
    pub fn record_requests(mut self) -> Self {
        self.setup.record = true;
        self
    }

    /// Sets the lifetime of an authorization code.
    pub fn code_lifetime(mut self, lifetime: Duration) -> Self {
        self.setup.code_lifetime = Some(lifetime);
        self
    }

    /// Sets the lifetime of an access token, and so `expires_in` in responses.
    pub fn access_token_lifetime(mut self, lifetime: Duration) -> Self {
        self.setup.access_lifetime = Some(lifetime);
        self
    }

    /// Sets the lifetime of a refresh token; with `None` it does not expire.
    pub fn refresh_token_lifetime(mut self, lifetime: Option<Duration>) -> Self {
        self.setup.refresh_lifetime = Some(lifetime);
        self
    }

    /// Binds 127.0.0.1 and serves on it, in tasks of the current tokio runtime.
    ///
    /// # Errors
    /// [`Error::Bind`] if the port is not available.
    pub async fn start(self) -> Result<Emulator, Error> {
        let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let provider = (self.make)(self.options);
        let (listener, address) = setup::bind(at(self.setup.port))?;
        let api = match provider.api_server() {
            ApiServer::Shared => None,
            ApiServer::Own(_) => Some(setup::bind(at(0))?),
        };
        let base = |address| format!("http://{address}");
        let api_base = api.as_ref().map(|(_, address)| base(*address));
        let api_base = api_base.unwrap_or_default();
        let server = self.setup.assemble(provider, &base(address), &api_base);
        let mut tasks = vec![tokio::spawn(accept(
            Arc::clone(&server),
            listener,
            Host::Main,
        ))];
        tasks.extend(
            api.map(|(listener, _)| tokio::spawn(accept(Arc::clone(&server), listener, Host::Api))),
        );
        let tasks = tasks.iter().map(JoinHandle::abort_handle).collect();
        Ok(Emulator::assemble(server, Some(address), tasks))
    }

    /// Creates an emulator without a socket, which serves only [`Emulator::call`].
    ///
    /// The base URL is `http://localhost:1` unless [`base_url`](Self::base_url) sets another.
    #[must_use]
    pub fn in_process(self) -> Emulator {
        let provider = (self.make)(self.options);
        let server = self
            .setup
            .assemble(provider, "http://localhost:1", "http://localhost:2");
        Emulator::assemble(server, None, Vec::new())
    }
}

// NOTE: These constructors are here because an emulator does not depend on its builder.
impl Emulator {
    /// Emulates Amiqus as its document describes it.
    pub fn amiqus() -> Builder<AmiqusOptions> {
        Builder::new(AmiqusOptions::default(), |options| {
            Arc::new(Amiqus::new(options))
        })
    }

    /// Emulates QicsMilestones as its document describes it.
    pub fn qics() -> Builder<MilestonesOptions> {
        Builder::new(MilestonesOptions::default(), |options| {
            Arc::new(Milestones::qics(options))
        })
    }

    /// Emulates FortesMilestones, which is QicsMilestones under another name.
    pub fn fortes() -> Builder<MilestonesOptions> {
        Builder::new(MilestonesOptions::default(), |options| {
            Arc::new(Milestones::fortes(options))
        })
    }

    /// Emulates one site of iOFFICE as its document describes it.
    pub fn ioffice() -> Builder<IOfficeOptions> {
        Builder::new(IOfficeOptions::default(), |options| {
            Arc::new(IOffice::new(options))
        })
    }

    /// Emulates RFC 6749 with PKCE, revocation (RFC 7009) and introspection (RFC 7662).
    pub fn plain() -> Builder<PlainOptions> {
        Builder::new(PlainOptions::default(), |options| {
            Arc::new(Plain::new(options))
        })
    }
}

impl<O: fmt::Debug> fmt::Debug for Builder<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("options", &self.options)
            .field("clients", &self.setup.clients)
            .field("users", &self.setup.users)
            .finish_non_exhaustive()
    }
}
