//! Token requests over reqwest.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use reqwest::{Body, ClientBuilder, redirect, retry};
use tokenkeeper_engine::{Transport, TransportError, exchange_within};

use crate::{Error, client::build};

/// Sends token requests over HTTP/1.1 with reqwest.
///
/// Each request has a connection of its own: a server that closes an idle one just as a request is written to it leaves open whether
/// the request arrived, and token requests are too rare to gain from a pool. Nothing is retried and no redirect is followed; http is
/// for loopback only.
#[derive(Clone, Debug)]
pub struct ReqwestTransport {
    client: reqwest::Client,
}

impl ReqwestTransport {
    /// A transport with reqwest's defaults: its TLS, and the system's proxies if reqwest was built with them.
    ///
    /// # Errors
    /// [`Error::NoCryptoProvider`] or [`Error::Client`].
    pub fn new() -> Result<Self, Error> {
        Self::from_builder(reqwest::Client::builder())
    }

    /// A transport with a TLS configuration, proxy or resolver of your own. The builder's redirects, retries, pool and HTTP versions are
    /// replaced. A timeout of the builder's that is shorter than the engine's deadline ends the wait as
    /// the deadline does, with [`TransportError::TimedOut`].
    ///
    /// # Errors
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
            let request = request
                .try_into()
                .map_err(|error| TransportError::NotSent(Box::new(error)))?;
            let response = self.client.execute(request).await;
            response.map(Response::<Body>::from).map_err(unanswered)
        })
        .await
    }
}

fn unanswered(error: reqwest::Error) -> TransportError {
    let error = error.without_url();
    if error.is_connect() {
        TransportError::NotSent(Box::new(error))
    } else if error.is_timeout() {
        TransportError::TimedOut
    } else {
        TransportError::Unknown(Box::new(error))
    }
}
