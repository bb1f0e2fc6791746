//! Clients of reqwest.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore, crypto::ring};

/// Returns a builder with its TLS, since no crypto provider is installed in the tests' processes,
/// and without a proxy.
pub fn reqwest_builder() -> reqwest::ClientBuilder {
    reqwest_builder_of_environment().no_proxy()
}

/// The same, with the proxies of the environment.
pub fn reqwest_builder_of_environment() -> reqwest::ClientBuilder {
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder().tls_backend_preconfigured(tls)
}
