//! A token source that does what a test says, and an API that says what it saw.

use bytes::Bytes;
use http_body_util::Full;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokenkeeper_tower::{Replay, TokenLayer, Tokens};

pub use tokenkeeper_test_support::{
    api::{Api, Seen},
    offline::{accounts, connected},
    scripted::{Place, Scripted},
};

#[cfg(feature = "hyper")]
pub use tokenkeeper_tower::{Error, HyperTransport as Tested};

/// A layer over a scripted source.
pub fn token_layer(source: Scripted) -> TokenLayer {
    TokenLayer::new(Tokens::from_source(source))
}

pub type Text = Full<Bytes>;

/// The transport that is tested here.
#[cfg(feature = "hyper")]
pub fn transport() -> Tested {
    Tested::with_crypto(std::sync::Arc::new(rustls::crypto::ring::default_provider())).unwrap()
}

/// hyper-util's client for bodies of this kind.
pub fn hyper_client<B>() -> Client<HttpConnector, Replay<B>>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<tokenkeeper_tower::BoxError>,
{
    Client::builder(TokioExecutor::new()).build_http()
}
