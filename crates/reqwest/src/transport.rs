use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use reqwest::{Body, ClientBuilder, redirect, retry};
use tokenkeeper_engine::{Transport, TransportError, exchange_within};

use crate::{Error, client::build};

/// Sends token requests over HTTP/1.1 with reqwest.
///
/// Each request has its own connection. If a server closes an idle one while a request is written
/// to it, whether the request arrived is unknown, and token requests are too rare to profit from a
/// pool. Nothing is retried and no redirect is followed. http is for loopback only.
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

    /// Makes a transport with your own TLS configuration, proxy or resolver.
    ///
    /// Replaces the builder's redirects, retries, pool and HTTP versions. A timeout of the builder
    /// that is shorter than the engine's has the same effect: [`TransportError::TimedOut`].
    ///
    /// # Errors
    ///
    /// [`Error::NoCryptoProvider`] or [`Error::Client`].
    pub fn from_builder(builder: ClientBuilder) -> Result<Self, Error> {
        let builder = builder
            .redirect(redirect::Policy::none())
            .referer(false)
            .retry(retry::never())
            .pool_max_idle_per_host(0)
            .http1_only();
        Ok(Self {
            client: build(builder)?,
        })
    }
}

#[async_trait]
impl Transport for ReqwestTransport {
    async fn send(
        &self,
        request: Request<Bytes>,
        deadline: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        exchange_within(request, deadline, |request| async {
            let request = request.try_into().map_err(|error: reqwest::Error| {
                // A provider may take its parameters in the URL.
                TransportError::NotSent(Box::new(error.without_url()))
            })?;
            let response = self.client.execute(request).await;
            response
                .map(Response::<Body>::from)
                .map_err(transport_error)
        })
        .await
    }
}

fn transport_error(error: reqwest::Error) -> TransportError {
    let error = error.without_url();
    if error.is_connect() {
        TransportError::NotSent(Box::new(error))
    } else if error.is_timeout() {
        TransportError::TimedOut
    } else {
        TransportError::Unknown(Box::new(error))
    }
}
