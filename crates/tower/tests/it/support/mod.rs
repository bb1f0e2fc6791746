//! Layers over scripted token sources, and clients.

use bytes::Bytes;
use http_body_util::Full;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokenkeeper_tower::{Replay, TokenLayer, TokenPolicy};

pub use tokenkeeper_test_support::{
    api::{Api, Seen},
    offline::{accounts, connected},
    scripted::{Place, Scripted},
};

#[cfg(feature = "hyper")]
pub use tokenkeeper_tower::{Error, HyperTransport as Tested};

pub type Text = Full<Bytes>;

/// The transport under test.
#[cfg(feature = "hyper")]
pub fn transport() -> Tested {
    Tested::with_crypto(std::sync::Arc::new(rustls::crypto::ring::default_provider())).unwrap()
}

/// The transport under test, which trusts this server.
#[cfg(feature = "hyper")]
pub fn trusting(server: &crate::http2::server::Server) -> Tested {
    Tested::with_tls(server.client_config())
}

/// The transport under test, which also resolves with these names.
#[cfg(feature = "hyper")]
pub fn resolving(server: &crate::http2::server::Server, names: crate::addresses::Names) -> Tested {
    trusting(server).resolver(names)
}

#[cfg(feature = "hyper")]
#[async_trait::async_trait]
impl tokenkeeper_tower::Resolve for crate::addresses::Names {
    async fn resolve(&self, name: &str) -> std::io::Result<Vec<std::net::SocketAddr>> {
        Ok(self.answer(name))
    }
}

/// A layer over a scripted source.
pub fn token_layer(source: Scripted) -> TokenLayer {
    TokenLayer::new(TokenPolicy::from_source(source))
}

/// hyper-util's client for bodies of this type.
pub fn hyper_client<B>() -> Client<HttpConnector, Replay<B>>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<tokenkeeper_tower::BoxError>,
{
    Client::builder(TokioExecutor::new()).build_http()
}

/// The tokens of all requests that the API has seen.
pub fn tokens(api: &Api) -> Vec<String> {
    let seen = api.seen();
    let tokens = seen.iter().map(|seen| seen.token().unwrap().to_owned());
    tokens.collect()
}
