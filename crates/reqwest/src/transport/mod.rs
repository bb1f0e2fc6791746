//! Token requests over reqwest.

mod clients;
mod resolve;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, header::CONNECTION};
use reqwest::{Body, ClientBuilder, dns::Resolve};
use tokenkeeper_engine::{ErrorChain, RequestBody, Transport, TransportError, exchange_within};

use self::clients::Clients;
use crate::Error;

/// Sends token requests with reqwest.
///
/// No redirect is followed, http is for loopback only, and TLS sessions are resumed.
///
/// # Connections
///
/// A connection is shared only if HTTP/2 is negotiated on it: its server names the requests that
/// it has not processed (`GOAWAY`, `REFUSED_STREAM`), and these are sent again, at most twice. One
/// that has been silent for 5 seconds is not used again if it is idle, and has to answer a ping
/// otherwise, since it may have died unnoticed.
///
/// Over HTTP/1.1 each request has its own connection, because a server may close an idle connection
/// while a request is written to it, and no one can tell whether that request was processed. The
/// request says `connection: close`, so that the server closes.
///
/// # Addresses and proxies
///
/// A request to a site that a person chose goes to public addresses only, unless the site's policy
/// allows others: see [`AddressPolicy`](tokenkeeper_engine::protocol::AddressPolicy). The addresses
/// are judged between resolving and connecting. Otherwise it fails with
/// [`TransportError::AddressRefused`]. Such a request uses no proxy, which would resolve the name
/// itself, and neither does a request to loopback. All others use the builder's proxies, or else
/// those of the environment (`HTTPS_PROXY` and so on), as reqwest does.
///
/// # Ceilings
///
/// - HTTP/1.1: reqwest closes a connection once it has read the response, perhaps before the server
///   does, and the side that closes first keeps a local port for a minute on Linux. About 470
///   requests a second to one address use up the default 28,232 ports if the server is always
///   later. The engine warns when connecting fails for want of a port, once per episode.
/// - HTTP/2: one connection for an origin, so at most as many requests at once as its server
///   allows, usually 100 to 250. Further ones wait within their deadline.
///
/// `HyperTransport` of the crate `tokenkeeper-tower` has neither: it waits for the server to close,
/// and opens more connections where one is not enough.
#[derive(Clone)]
pub struct ReqwestTransport {
    clients: Arc<Clients>,
}

impl ReqwestTransport {
    /// Makes a transport with reqwest's defaults: its TLS, and the system's proxies if reqwest was
    /// built with them, else those of the environment.
    ///
    /// # Errors
    ///
    /// [`Error::NoCryptoProvider`] or [`Error::Client`].
    pub fn new() -> Result<Self, Error> {
        Self::from_builder(reqwest::Client::builder)
    }

    /// Makes a transport with your own TLS configuration, proxy or HTTP version.
    ///
    /// `make` is called for each client that the transport needs: one for requests that may go
    /// anywhere, one for loopback, and one for each [`AddressPolicy`] that it meets, of which there
    /// are four. These use no proxy and not the builder's resolver; but an address that the builder
    /// gives for a name with [`ClientBuilder::resolve`] is not judged.
    ///
    /// Replaces the builder's redirects, retries, pool and pings. A timeout of the builder that is
    /// shorter than the engine's has the same effect: [`TransportError::TimedOut`]. A preconfigured
    /// TLS backend must offer `h2` by ALPN; otherwise no connection is shared.
    ///
    /// ```
    /// use tokenkeeper_reqwest::ReqwestTransport;
    ///
    /// # fn transport(pem: &[u8]) -> Result<ReqwestTransport, Box<dyn std::error::Error>> {
    /// let authority = reqwest::Certificate::from_pem(pem)?;
    /// let transport = ReqwestTransport::from_builder(move || {
    ///     reqwest::Client::builder().tls_certs_merge([authority.clone()])
    /// })?;
    /// # Ok(transport)
    /// # }
    /// ```
    ///
    /// [`AddressPolicy`]: tokenkeeper_engine::protocol::AddressPolicy
    ///
    /// # Errors
    ///
    /// [`Error::NoCryptoProvider`] or [`Error::Client`].
    pub fn from_builder(
        make: impl Fn() -> ClientBuilder + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let clients = Clients::new(Box::new(make), None)?;
        Ok(Self {
            clients: Arc::new(clients),
        })
    }

    /// Makes a transport whose clients all resolve names with `resolver`, as
    /// [`from_builder`](Self::from_builder) does otherwise.
    ///
    /// # Errors
    ///
    /// [`Error::NoCryptoProvider`] or [`Error::Client`].
    pub fn with_resolver(
        make: impl Fn() -> ClientBuilder + Send + Sync + 'static,
        resolver: Arc<dyn Resolve>,
    ) -> Result<Self, Error> {
        let clients = Clients::new(Box::new(make), Some(resolver))?;
        Ok(Self {
            clients: Arc::new(clients),
        })
    }

    /// Sends the request, again if the server has not processed it.
    async fn exchange(
        &self,
        mut request: Request<Bytes>,
    ) -> Result<Response<Body>, TransportError> {
        // Has no meaning in HTTP/2, where hyper removes it.
        let close = HeaderValue::from_static("close");
        request.headers_mut().insert(CONNECTION, close);
        let client = self.clients.client_for(&request)?;
        let mut resends = 0;
        loop {
            let request = request
                .clone()
                .try_into()
                .map_err(|error: reqwest::Error| {
                    // A provider may take its parameters in the URL.
                    TransportError::NotSent(Box::new(error.without_url()))
                })?;
            match client.execute(request).await {
                Ok(response) => return Ok(response.into()),
                Err(error) if resends < MAX_RESENDS && is_unprocessed(&error) => resends += 1,
                Err(error) => return Err(transport_error(error)),
            }
        }
    }
}

/// The time after which a silent connection is not trusted.
const MAX_SILENCE: Duration = Duration::from_secs(5);

/// How often a request is sent again that the server has not processed.
const MAX_RESENDS: u32 = 2;

#[async_trait]
impl Transport for ReqwestTransport {
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

impl fmt::Debug for ReqwestTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestTransport").finish_non_exhaustive()
    }
}

fn transport_error(error: reqwest::Error) -> TransportError {
    let error = error.without_url();
    if error.is_connect() || is_unprocessed(&error) {
        TransportError::not_sent(error)
    } else if error.is_timeout() {
        TransportError::TimedOut
    } else {
        TransportError::Unknown(Box::new(error))
    }
}

/// Returns whether the server promises that it has not processed the request and never will
/// (RFC 9113, section 8.7).
///
/// h2 gives a request the error of the server's `GOAWAY` only if that frame excludes it. A request
/// that the frame includes ends with the connection, as a broken pipe.
fn is_unprocessed(error: &reqwest::Error) -> bool {
    let causes = ErrorChain::of(error).errors();
    let mut causes = causes.filter_map(|error| error.downcast_ref::<h2::Error>());
    causes.any(|error| {
        let refused = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
        error.is_remote() && (error.is_go_away() || refused)
    })
}
