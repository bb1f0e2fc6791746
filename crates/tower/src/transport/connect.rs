//! New connections.

use std::{future::poll_fn, sync::Arc};

use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::{
    client::legacy::connect::{Connection, HttpConnector},
    rt::TokioIo,
};
use rustls::ClientConfig;
use tokenkeeper_engine::protocol::AddressPolicy;
use tokio::net::TcpStream;
use tower_service::Service;

use super::resolve::{Filter, Resolve};
use crate::BoxError;

/// A connection, over TLS if the URL is https.
pub(super) type Io = MaybeHttpsStream<TokioIo<TcpStream>>;

/// Connects to the origins of URLs. It uses no proxy, not even one of the environment.
pub(super) struct Connector {
    tls: Arc<ClientConfig>,
    resolver: Arc<dyn Resolve>,
}

impl Connector {
    pub(super) fn new(mut tls: ClientConfig, resolver: Arc<dyn Resolve>) -> Self {
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Self {
            tls: tls.into(),
            resolver,
        }
    }

    /// Returns a connector with another resolver.
    pub(super) fn with_resolver(&self, resolver: Arc<dyn Resolve>) -> Self {
        Self {
            tls: self.tls.clone(),
            resolver,
        }
    }

    /// Connects to an address that the policy allows, and returns whether HTTP/2 was negotiated.
    pub(super) async fn connect(
        &self,
        uri: &Uri,
        policy: Option<AddressPolicy>,
    ) -> Result<(Io, bool), BoxError> {
        let filter = Filter {
            resolver: self.resolver.clone(),
            policy,
        };
        filter.check_address(uri.host().unwrap_or_default())?;
        let mut tcp = HttpConnector::new_with_resolver(filter);
        tcp.enforce_http(false);
        // A request is written as a whole: nothing is gained by waiting for more.
        tcp.set_nodelay(true);
        let mut connector = HttpsConnector::from((tcp, self.tls.clone()));
        poll_fn(|cx| connector.poll_ready(cx)).await?;
        let io = connector.call(uri.clone()).await?;
        let is_http2 = io.connected().is_negotiated_h2();
        Ok((io, is_http2))
    }
}
