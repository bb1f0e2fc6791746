//! The connections to each origin.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use http::{Uri, uri::Authority};
use tokenkeeper_engine::protocol::AddressPolicy;
use tokio::{sync::watch, time::timeout};

use super::{
    connect::Connector,
    http1::OneRequest,
    http2::{MAX_SILENCE, Shared, Stream},
};
use crate::BoxError;

/// All connections of a transport.
pub(super) struct Origins {
    connector: Connector,
    /// The origins of https that were connected to.
    origins: Mutex<HashMap<Place, Origin>>,
}

/// An origin of https, and the addresses that its connections may go to. Requests of different
/// policies share no connection.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Place {
    authority: Authority,
    policy: Option<AddressPolicy>,
}

/// How many origins are remembered without a connection: people may choose any number of them.
const MAX_REMEMBERED: usize = 1024;

/// What is known about an origin.
#[derive(Default)]
struct Origin {
    shared: Vec<Arc<Shared>>,
    /// While a connection is made that may be shared: becomes true once it can be used.
    connecting: Option<watch::Receiver<bool>>,
    /// Whether the last connection negotiated HTTP/1.1.
    is_http1: bool,
}

/// A connection with room for a request.
pub(super) enum Connection {
    Http1(OneRequest),
    Http2(Stream),
}

enum Next {
    Use(Stream),
    /// Wait for the connection that another request makes.
    Wait(watch::Receiver<bool>),
    /// Make a connection that others wait for.
    Lead(watch::Sender<bool>),
    Connect,
}

impl Origins {
    pub(super) fn new(connector: Connector) -> Self {
        Self {
            connector,
            origins: Mutex::default(),
        }
    }

    pub(super) fn connector(&self) -> &Connector {
        &self.connector
    }

    /// Returns a connection to the URL's origin: a shared one with room, otherwise a new one.
    ///
    /// While a connection is made that may be shared, other requests wait for it. If it fails, or
    /// negotiates HTTP/1.1, each of them makes its own.
    pub(super) async fn connection(
        self: &Arc<Self>,
        uri: &Uri,
        policy: Option<AddressPolicy>,
    ) -> Result<Connection, BoxError> {
        let authority = uri.authority().ok_or("the URL has no host")?.clone();
        let place = Place { authority, policy };
        // HTTP/2 is negotiated by TLS only.
        if uri.scheme_str() != Some("https") {
            return self.connect(uri, &place).await;
        }
        loop {
            match self.next(&place) {
                Next::Use(stream) => return Ok(Connection::Http2(stream)),
                Next::Connect => return self.connect(uri, &place).await,
                Next::Lead(done) => {
                    let leader = Leader {
                        origins: self,
                        place: &place,
                    };
                    let connection = self.connect(uri, &place).await?;
                    drop(leader);
                    // Otherwise no request waits.
                    let _ = done.send(true);
                    return Ok(connection);
                }
                Next::Wait(mut made) => {
                    if made.wait_for(|made| *made).await.is_err() {
                        return self.connect(uri, &place).await;
                    }
                }
            }
        }
    }

    fn next(&self, place: &Place) -> Next {
        let mut origins = self.lock();
        if origins.len() >= MAX_REMEMBERED && !origins.contains_key(place) {
            origins.retain(|_, origin| !origin.shared.is_empty() || origin.connecting.is_some());
        }
        let origin = origins.entry(place.clone()).or_default();
        if let Some(stream) = origin.shared.iter().find_map(Shared::open) {
            return Next::Use(stream);
        }
        if origin.is_http1 {
            return Next::Connect;
        }
        if let Some(made) = &origin.connecting {
            return Next::Wait(made.clone());
        }
        let (done, made) = watch::channel(false);
        origin.connecting = Some(made);
        Next::Lead(done)
    }

    async fn connect(self: &Arc<Self>, uri: &Uri, place: &Place) -> Result<Connection, BoxError> {
        let (io, is_http2) = self.connector.connect(uri, place.policy).await?;
        if !is_http2 {
            let connection = OneRequest::handshake(io).await?;
            if let Some(origin) = self.lock().get_mut(place) {
                origin.is_http1 = true;
            }
            return Ok(Connection::Http1(connection));
        }
        let (shared, driver) = Shared::handshake(io).await?;
        let stream = shared.open().ok_or("the server closed the connection")?;
        let mut origins = self.lock();
        let origin = origins.entry(place.clone()).or_default();
        origin.is_http1 = false;
        origin.shared.push(shared);
        drop(origins);
        tokio::spawn(drive(driver, Arc::downgrade(self), place.clone()));
        Ok(Connection::Http2(stream))
    }

    /// Forgets the origin's connections that are not used again. Each ends with its last request.
    fn prune(&self, place: &Place) {
        if let Some(origin) = self.lock().get_mut(place) {
            origin.shared.retain(|shared| shared.is_live());
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Place, Origin>> {
        self.origins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the wait for a connection, even if the request that makes it is dropped.
struct Leader<'a> {
    origins: &'a Origins,
    place: &'a Place,
}

impl Drop for Leader<'_> {
    fn drop(&mut self) {
        if let Some(origin) = self.origins.lock().get_mut(self.place) {
            origin.connecting = None;
        }
    }
}

/// Drives a shared connection until it ends.
async fn drive(connection: impl Future<Output = ()>, origins: Weak<Origins>, place: Place) {
    let mut connection = pin!(connection);
    while timeout(MAX_SILENCE, connection.as_mut()).await.is_err() {
        if let Some(origins) = origins.upgrade() {
            origins.prune(&place);
        }
    }
    if let Some(origins) = origins.upgrade() {
        origins.prune(&place);
    }
}
