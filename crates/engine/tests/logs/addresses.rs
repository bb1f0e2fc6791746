//! What a site with an address that it must not have writes into the log.

use std::time::Duration;

use async_trait::async_trait;
use tokenkeeper_engine::{
    Accounts, RequestBody, Transport, TransportError,
    protocol::{
        AddressPolicy, ClientAuthentication, Dialect, Registration, SitePolicy, TokenSet,
        bytes::Bytes,
        http::{Request, Response},
    },
};
use tokenkeeper_store_memory::MemoryStore;
use tokenkeeper_test_support::log::{self, assert_one_line, take_lines};

/// The transport of a site whose name resolves to a private address.
#[derive(Debug)]
struct Inside;

#[async_trait]
impl Transport for Inside {
    async fn send(
        &self,
        request: Request<RequestBody>,
        _: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        let policy = AddressPolicy::of(request.extensions()).unwrap();
        let inside = [([10, 0, 0, 1], 443).into()];
        let allowed = policy.allowed(request.uri().host().unwrap(), inside);
        Err(TransportError::AddressRefused(allowed.unwrap_err()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_address_is_logged_once_with_the_remedy() {
    log::start();
    let mut dialect = Dialect::rfc6749("tenants", "https://unused.example").unwrap();
    dialect.base = None;
    dialect.token.client_authentication = ClientAuthentication::None;
    let client = dialect.with(Registration::new("client", "https://app.example/cb"));
    let accounts = Accounts::builder(MemoryStore::new())
        .provider(client.unwrap().sites(SitePolicy::predicate(|_| true)))
        .transport(Inside)
        .build()
        .unwrap();
    let accounts = ["alice", "bob"].map(|subject| {
        let account = accounts.account_at("tenants", "https://inside.example", subject);
        account.unwrap()
    });
    for account in &accounts {
        let tokens = TokenSet::new("access").with_refresh_token("refresh");
        account.adopt(tokens).await.unwrap();
    }
    take_lines();
    for account in accounts.iter().chain(&accounts) {
        account.refresh().await.unwrap_err();
    }
    let parts = ["inside.example", "10.0.0.1", "SitePolicy::allow_private"];
    assert_one_line("WARN", &parts);
}
