//! Token requests over hyper and rustls.

mod connect;
mod http1;
mod http2;
mod linger;
mod origins;
mod resolve;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use hyper_rustls::ConfigBuilderExt;
use rustls::{ClientConfig, crypto::CryptoProvider};
use tokenkeeper_engine::{
    RequestBody, Transport, TransportError, exchange_within, protocol::AddressPolicy,
};

pub use self::resolve::Resolve;
use self::{
    connect::Connector,
    http2::{Answer, Failure},
    origins::{Connection, Origins},
    resolve::SystemResolver,
};
use crate::Error;

/// Sends token requests with hyper, rustls and the system's root certificates.
///
/// No redirect is followed, http is for loopback only, and TLS sessions are resumed.
///
/// # Connections
///
/// A connection is shared only if HTTP/2 is negotiated on it: its server names the requests that
/// it has not processed (`GOAWAY`, `REFUSED_STREAM`), and these are sent again, at most twice. A
/// connection carries at most 100 requests at once, or what the server allows; more are opened when
/// these are not enough. One that has been silent for 5 seconds is not used again, since it may
/// have died unnoticed.
///
/// Over HTTP/1.1 each request has its own connection, because a server may close an idle connection
/// while a request is written to it, and no one can tell whether that request was processed. Not
/// even a look at the socket right before proves that the connection is live: the close may still
/// be on its way. So the request says `connection: close`, and the transport waits up to a second
/// for the server to close, which leaves the socket's `TIME_WAIT` to the server.
///
/// # Addresses
///
/// A request to a site that a person chose goes to public addresses only, unless the site's policy
/// allows others: see [`AddressPolicy`]. The addresses are judged between resolving and connecting.
/// Otherwise it fails with [`TransportError::AddressRefused`]. The transport uses no proxy, and
/// reads none from the environment.
///
/// # Ceiling
///
/// An HTTP/1.1 server that leaves the closing to the client costs a local port for a minute per
/// request on Linux: about 470 requests a second to one address use up the default 28,232 ports.
/// The engine warns when connecting fails for want of a port, once per episode. Such a server is
/// best reached over HTTP/2. A larger `net.ipv4.ip_local_port_range` helps as well.
///
/// ```
/// use std::sync::Arc;
/// use tokenkeeper_tower::HyperTransport;
///
/// // Once, at the start of the program:
/// let crypto = rustls::crypto::ring::default_provider();
/// crypto.install_default().expect("none was installed before");
/// let transport = HyperTransport::new()?;
/// # Ok::<(), tokenkeeper_tower::Error>(())
/// ```
#[derive(Clone)]
pub struct HyperTransport {
    origins: Arc<Origins>,
}

impl HyperTransport {
    /// Makes a transport with the crypto provider that the process has installed.
    ///
    /// # Errors
    ///
    /// [`Error::NoCryptoProvider`] if none is installed, [`Error::Tls`] if the system's root
    /// certificates cannot be loaded.
    pub fn new() -> Result<Self, Error> {
        let provider = CryptoProvider::get_default().ok_or(Error::NoCryptoProvider)?;
        Self::with_crypto(provider.clone())
    }

    /// Makes a transport with this crypto provider.
    ///
    /// # Errors
    ///
    /// [`Error::Tls`] if the provider supports no TLS version, or if the system's root certificates
    /// cannot be loaded.
    pub fn with_crypto(provider: Arc<CryptoProvider>) -> Result<Self, Error> {
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(ConfigBuilderExt::try_with_platform_verifier)
            .map_err(Error::Tls)?
            .with_no_client_auth();
        Ok(Self::with_tls(tls))
    }

    /// Makes a transport with your own TLS configuration: other root certificates, or a
    /// certificate of the client.
    ///
    /// Replaces its ALPN protocols by `h2` and `http/1.1`.
    pub fn with_tls(tls: ClientConfig) -> Self {
        Self {
            origins: Arc::new(Origins::new(Connector::new(tls, Arc::new(SystemResolver)))),
        }
    }

    /// Resolves names with your own resolver instead of the operating system's.
    #[must_use]
    pub fn resolver(self, resolver: impl Resolve) -> Self {
        let connector = self.origins.connector().with_resolver(Arc::new(resolver));
        Self {
            origins: Arc::new(Origins::new(connector)),
        }
    }

    /// Sends the request, again if the server has not processed it.
    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Answer>, TransportError> {
        let policy = AddressPolicy::of(request.extensions());
        let mut resends = 0;
        loop {
            let connection = self.origins.connection(request.uri(), policy).await;
            let stream = match connection.map_err(TransportError::not_sent)? {
                Connection::Http1(connection) => return connection.send(request).await,
                Connection::Http2(stream) => stream,
            };
            match stream.send(request.clone()).await {
                Err(Failure::Unprocessed(_)) if resends < MAX_RESENDS => resends += 1,
                response => return response.map_err(TransportError::from),
            }
        }
    }
}

/// How often a request is sent again that the server has not processed.
const MAX_RESENDS: u32 = 2;

#[async_trait]
impl Transport for HyperTransport {
    async fn send(
        &self,
        request: Request<RequestBody>,
        deadline: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        exchange_within(request, deadline, |request| {
            self.exchange(request.map(Bytes::from))
        })
        .await
    }
}

impl fmt::Debug for HyperTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperTransport").finish_non_exhaustive()
    }
}
