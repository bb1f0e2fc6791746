use std::sync::Arc;

use reqwest_middleware::ClientWithMiddleware;
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokenkeeper_reqwest::{TokenMiddleware, Tokens};

pub use tokenkeeper_test_support::{
    api::{Api, Seen},
    scripted::{Place, Scripted},
};

pub use tokenkeeper_reqwest::{Error, ReqwestTransport as Tested};

pub const PLACES: [Place; 3] = [Place::Authorization, Place::OwnHeader, Place::Query];

/// A builder with TLS of its own: no crypto provider is installed in this process, which one of the tests needs.
pub fn builder() -> reqwest::ClientBuilder {
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
}

/// The transport that is tested here.
pub fn transport() -> Tested {
    Tested::from_builder(builder()).unwrap()
}

/// A client for any attachment.
pub fn client(source: Scripted) -> ClientWithMiddleware {
    tokenkeeper_reqwest::client(builder(), Tokens::from_source(source)).unwrap()
}

/// A middleware over a scripted source.
pub fn token_middleware(source: Scripted) -> Result<TokenMiddleware, Error> {
    TokenMiddleware::new(Tokens::from_source(source))
}

/// A finished client with the middleware put over it.
pub fn over_finished_client(middleware: TokenMiddleware) -> ClientWithMiddleware {
    let client = builder().build().unwrap();
    reqwest_middleware::ClientBuilder::new(client)
        .with(middleware)
        .build()
}
