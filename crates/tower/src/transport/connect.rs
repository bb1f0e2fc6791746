//! New connections.

use std::future::poll_fn;

use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::{
    client::legacy::connect::{Connection, HttpConnector},
    rt::TokioIo,
};
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tower_service::Service;

use crate::BoxError;

/// A connection, over TLS if the URL is https.
pub(super) type Io = MaybeHttpsStream<TokioIo<TcpStream>>;

/// Connects to the origins of URLs.
pub(super) struct Connector(HttpsConnector<HttpConnector>);

impl Connector {
    pub(super) fn new(mut tls: ClientConfig) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        // A request is written as a whole: nothing is gained by waiting for more.
        tcp.set_nodelay(true);
        // The builder panics if there are any.
        tls.alpn_protocols.clear();
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .enable_http2()
            .wrap_connector(tcp);
        Self(connector)
    }

    /// Connects, and returns whether HTTP/2 was negotiated.
    pub(super) async fn connect(&self, uri: &Uri) -> Result<(Io, bool), BoxError> {
        let mut connector = self.0.clone();
        poll_fn(|cx| connector.poll_ready(cx)).await?;
        let io = connector.call(uri.clone()).await?;
        let is_http2 = io.connected().is_negotiated_h2();
        Ok((io, is_http2))
    }
}
