use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::{ClientConfig, crypto::CryptoProvider};
use tokenkeeper_engine::{Transport, TransportError, exchange_within};

use crate::{BoxError, Error};

/// Sends token requests over HTTP/1.1 with hyper-util's client, rustls and the system's root
/// certificates.
///
/// Each request has its own connection. If a server closes an idle one while a request is written
/// to it, whether the request arrived is unknown, and token requests are too rare to profit from a
/// pool. Nothing is retried and no redirect is followed. http is for loopback only.
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
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
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
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(ConfigBuilderExt::try_with_platform_verifier)
            .map_err(Error::Tls)?
            .with_no_client_auth();
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_or_http()
            .enable_http1()
            .build();
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .retry_canceled_requests(false)
            .build(connector);
        Ok(Self { client })
    }
}

#[async_trait]
impl Transport for HyperTransport {
    async fn send(
        &self,
        request: Request<Bytes>,
        deadline: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        exchange_within(request, deadline, |request| async {
            let sent = self.client.request(request.map(Full::new));
            sent.await.map_err(transport_error)
        })
        .await
    }
}

fn transport_error(error: hyper_util::client::legacy::Error) -> TransportError {
    let not_sent = error.is_connect();
    let error: BoxError = error.into();
    if not_sent {
        TransportError::NotSent(error)
    } else {
        TransportError::Unknown(error)
    }
}

impl fmt::Debug for HyperTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperTransport").finish_non_exhaustive()
    }
}
