use std::{error::Error as _, iter, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, header::CONNECTION};
use reqwest::{Body, ClientBuilder, redirect, retry};
use tokenkeeper_engine::{Transport, TransportError, exchange_within};

use crate::{Error, client::build};

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
#[derive(Clone, Debug)]
pub struct ReqwestTransport {
    client: reqwest::Client,
}

impl ReqwestTransport {
    /// Makes a transport with reqwest's defaults: its TLS, and the system's proxies if reqwest was
    /// built with them.
    ///
    /// # Errors
    ///
    /// [`Error::NoCryptoProvider`] or [`Error::Client`].
    pub fn new() -> Result<Self, Error> {
        Self::from_builder(reqwest::Client::builder())
    }

    /// Makes a transport with your own TLS configuration, proxy, resolver or HTTP version.
    ///
    /// Replaces the builder's redirects, retries, pool and pings. A timeout of the builder that is
    /// shorter than the engine's has the same effect: [`TransportError::TimedOut`]. A preconfigured
    /// TLS backend must offer `h2` by ALPN; otherwise no connection is shared.
    ///
    /// # Errors
    ///
    /// [`Error::NoCryptoProvider`] or [`Error::Client`].
    pub fn from_builder(builder: ClientBuilder) -> Result<Self, Error> {
        let builder = builder
            .redirect(redirect::Policy::none())
            .referer(false)
            .retry(retry::never())
            .pool_max_idle_per_host(usize::MAX)
            .pool_idle_timeout(MAX_SILENCE)
            .http2_keep_alive_interval(MAX_SILENCE)
            .http2_keep_alive_timeout(MAX_SILENCE)
            .http2_keep_alive_while_idle(false);
        Ok(Self {
            client: build(builder)?,
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
        let mut resends = 0;
        loop {
            let request = request
                .clone()
                .try_into()
                .map_err(|error: reqwest::Error| {
                    // A provider may take its parameters in the URL.
                    TransportError::NotSent(Box::new(error.without_url()))
                })?;
            match self.client.execute(request).await {
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
        request: Request<Bytes>,
        deadline: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        exchange_within(request, deadline, |request| self.exchange(request)).await
    }
}

fn transport_error(error: reqwest::Error) -> TransportError {
    let error = error.without_url();
    if error.is_connect() || is_unprocessed(&error) {
        TransportError::NotSent(Box::new(error))
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
    let causes = iter::successors(error.source(), |&error| error.source());
    let mut causes = causes.filter_map(|error| error.downcast_ref::<h2::Error>());
    causes.any(|error| {
        let refused = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
        error.is_remote() && (error.is_go_away() || refused)
    })
}
