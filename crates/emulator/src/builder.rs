//! The builder of an emulator.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::net::{TcpListener, TcpSocket};

use crate::clock::{Clock, ShiftedClock};
use crate::counters::Log;
use crate::emulator::Emulator;
use crate::error::Error;
use crate::faults::Faults;
use crate::provider::Provider;
use crate::provider::amiqus::{Amiqus, AmiqusOptions};
use crate::provider::ioffice::{IOffice, IOfficeOptions};
use crate::provider::milestones::{Milestones, MilestonesOptions};
use crate::provider::plain::{Plain, PlainOptions};
use crate::registration::{RegisteredClient, User};
use crate::server::{Server, accept, with_login};
use crate::world::World;

/// A builder of an emulator; `O` is the options of its provider.
///
/// Everything has a default: the client [`DEFAULT_CLIENT_ID`](crate::DEFAULT_CLIENT_ID), the user
/// [`DEFAULT_USER`](crate::DEFAULT_USER), the lifetimes of the provider's document, the system's
/// clock, a free port.
#[must_use = "a builder does nothing until `start` or `in_process`"]
pub struct Builder<O> {
    options: O,
    make: fn(O) -> Arc<dyn Provider>,
    clients: Vec<RegisteredClient>,
    users: Vec<User>,
    clock: Box<dyn Clock>,
    base: Option<String>,
    port: u16,
    auto_approve: bool,
    record: bool,
    code_lifetime: Option<Duration>,
    access_lifetime: Option<Duration>,
    refresh_lifetime: Option<Option<Duration>>,
}

impl<O> Builder<O> {
    fn new(options: O, make: fn(O) -> Arc<dyn Provider>) -> Self {
        Self {
            options,
            make,
            clients: Vec::new(),
            users: Vec::new(),
            clock: Box::new(SystemTime::now),
            base: None,
            port: 0,
            auto_approve: false,
            record: false,
            code_lifetime: None,
            access_lifetime: None,
            refresh_lifetime: None,
        }
    }

    /// Sets the provider's options.
    pub fn options(mut self, options: O) -> Self {
        self.options = options;
        self
    }

    /// Registers a client instead of the default one; call it again for further ones.
    pub fn client(mut self, client: RegisteredClient) -> Self {
        self.clients.push(client);
        self
    }

    /// Adds a user instead of the default one; call it again for further ones.
    pub fn user(mut self, user: User) -> Self {
        self.users.push(user);
        self
    }

    /// Sets the clock by which codes and tokens age.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Sets the port on 127.0.0.1. Default: a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Sets the base URL that the emulator assumes for itself, such as `https://id.amiqus.co`.
    pub fn base_url(mut self, base: impl Into<String>) -> Self {
        self.base = Some(base.into().trim_end_matches('/').to_owned());
        self
    }

    /// Makes the authorization page approve at once, as the first user.
    pub fn auto_approve(mut self) -> Self {
        self.auto_approve = true;
        self
    }

    /// Keeps every request, including its secrets, for [`Emulator::recorded_requests`].
    pub fn record_requests(mut self) -> Self {
        self.record = true;
        self
    }

    /// Sets the lifetime of an authorization code.
    pub fn code_lifetime(mut self, lifetime: Duration) -> Self {
        self.code_lifetime = Some(lifetime);
        self
    }

    /// Sets the lifetime of an access token, and so `expires_in` in responses.
    pub fn access_token_lifetime(mut self, lifetime: Duration) -> Self {
        self.access_lifetime = Some(lifetime);
        self
    }

    /// Sets the lifetime of a refresh token; with `None` it does not expire.
    pub fn refresh_token_lifetime(mut self, lifetime: Option<Duration>) -> Self {
        self.refresh_lifetime = Some(lifetime);
        self
    }

    /// Binds 127.0.0.1 and serves on it, in tasks of the current tokio runtime.
    ///
    /// # Errors
    /// [`Error::Bind`] if the port is not available.
    pub async fn start(self) -> Result<Emulator, Error> {
        let asked = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let bind = |source| Error::Bind {
            address: asked,
            source,
        };
        let listener = listen(asked).map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let server = self.assemble(&format!("http://{address}"));
        let task = tokio::spawn(accept(Arc::clone(&server), listener));
        Ok(Emulator::assemble(
            server,
            Some(address),
            Some(task.abort_handle()),
        ))
    }

    /// Creates an emulator without a socket, which serves only [`Emulator::call`].
    ///
    /// The base URL is `http://localhost:1` unless [`base_url`](Self::base_url) sets another.
    #[must_use]
    pub fn in_process(self) -> Emulator {
        Emulator::assemble(self.assemble("http://localhost:1"), None, None)
    }

    fn assemble(mut self, base: &str) -> Arc<Server> {
        let provider = (self.make)(self.options);
        let mut lifetimes = provider.lifetimes();
        lifetimes.code = self.code_lifetime.unwrap_or(lifetimes.code);
        lifetimes.access = self.access_lifetime.or(lifetimes.access);
        lifetimes.refresh = self.refresh_lifetime.unwrap_or(lifetimes.refresh);
        if self.clients.is_empty() {
            self.clients.push(RegisteredClient::default());
        }
        if self.users.is_empty() {
            self.users.push(User::default());
        }
        let base = self.base.unwrap_or_else(|| base.to_owned());
        let clock = ShiftedClock::new(self.clock);
        let world = Arc::new(World::new(
            base,
            self.clients,
            self.users,
            lifetimes,
            clock,
            self.auto_approve,
        ));
        let router = with_login(Arc::clone(&provider).router(Arc::clone(&world)));
        Arc::new(Server {
            provider,
            world,
            router,
            faults: Faults::new(),
            log: Log::default(),
            recording: self.record.then(Default::default),
        })
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

/// Binds and listens with a backlog for many connections at once, above tokio's 1024.
fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    // Otherwise a port stays in use for a while after it is closed. On Windows this option would
    // allow two listeners.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(8192)
}

impl<O: fmt::Debug> fmt::Debug for Builder<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("options", &self.options)
            .field("clients", &self.clients)
            .field("users", &self.users)
            .finish_non_exhaustive()
    }
}
