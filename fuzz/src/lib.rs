//! An engine for the targets: one provider, and no network.

use std::{sync::OnceLock, time::Duration};

use tokenkeeper_engine::{
    Accounts, FlowKey, RequestBody, Transport, TransportError,
    protocol::{
        Dialect, Registration,
        bytes::Bytes,
        http::{Request, Response},
    },
};
use tokenkeeper_store_memory::MemoryStore;

/// The key that seals the flows of [`accounts`].
pub const FLOW_KEY: [u8; 32] = [7; 32];

/// The provider of [`accounts`], whose redirect URI is [`CALLBACK`].
pub const BRAND: &str = "acme";

/// The redirect URI of the provider.
pub const CALLBACK: &str = "https://app.example/cb";

/// The base of the provider.
pub const BASE: &str = "https://login.example";

/// The client id at the provider.
pub const CLIENT_ID: &str = "id";

/// Returns the engine, which all inputs share.
pub fn accounts() -> &'static Accounts {
    static ACCOUNTS: OnceLock<Accounts> = OnceLock::new();
    ACCOUNTS.get_or_init(|| {
        let dialect = Dialect::rfc6749(BRAND, BASE).expect("a dialect");
        let registration = Registration::new(CLIENT_ID, CALLBACK).secret("s");
        Accounts::builder(MemoryStore::new())
            .provider(dialect.with(registration).expect("a provider"))
            .transport(NoTransport)
            .flow_key(FlowKey::new(FLOW_KEY))
            .build()
            .expect("an engine")
    })
}

/// No input comes to a token request.
#[derive(Debug)]
struct NoTransport;

#[async_trait::async_trait]
impl Transport for NoTransport {
    async fn send(
        &self,
        _: Request<RequestBody>,
        _: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        panic!("a token request");
    }
}
