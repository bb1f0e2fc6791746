//! Everything about an emulator but the options of its provider.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::net::{TcpListener, TcpSocket};

use crate::clock::{Clock, ShiftedClock};
use crate::counters::Log;
use crate::error::Error;
use crate::faults::Faults;
use crate::provider::{ApiServer, Provider};
use crate::registration::{RegisteredClient, User};
use crate::server::{Server, with_login};
use crate::world::World;

/// The parts of a builder that do not depend on the provider.
pub(crate) struct Setup {
    pub(crate) clients: Vec<RegisteredClient>,
    pub(crate) users: Vec<User>,
    pub(crate) clock: Box<dyn Clock>,
    pub(crate) base: Option<String>,
    pub(crate) port: u16,
    pub(crate) auto_approve: bool,
    pub(crate) record: bool,
    pub(crate) code_lifetime: Option<Duration>,
    pub(crate) access_lifetime: Option<Duration>,
    pub(crate) refresh_lifetime: Option<Option<Duration>>,
}

impl Setup {
    /// Makes the server of a provider. `base` and `api` are the URLs that it is reached by.
    pub(crate) fn assemble(
        mut self,
        provider: Arc<dyn Provider>,
        base: &str,
        api: &str,
    ) -> Arc<Server> {
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
        let api_base = match provider.api_server() {
            ApiServer::Shared => None,
            ApiServer::Own(base) => Some(base.unwrap_or(api).to_owned()),
        };
        let world = Arc::new(World::new(
            self.base.unwrap_or_else(|| base.to_owned()),
            api_base,
            self.clients,
            self.users,
            lifetimes,
            ShiftedClock::new(self.clock),
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

impl Default for Setup {
    fn default() -> Self {
        Self {
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
}

/// Binds an address, and returns it with its port.
pub(crate) fn bind(asked: SocketAddr) -> Result<(TcpListener, SocketAddr), Error> {
    let bound = listen(asked).and_then(|listener| {
        let address = listener.local_addr()?;
        Ok((listener, address))
    });
    bound.map_err(|source| Error::Bind {
        address: asked,
        source,
    })
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
