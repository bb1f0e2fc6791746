use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use tokenkeeper_engine::{
    Account, Accounts, RequestBody, Transport, TransportError,
    protocol::{Dialect, Provider, Registration, TokenSet},
};
use tokenkeeper_store_memory::MemoryStore;

/// No test over this engine comes to a token request.
#[derive(Debug)]
struct NoTransport;

#[async_trait]
impl Transport for NoTransport {
    async fn send(
        &self,
        _: Request<RequestBody>,
        _: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        Err(TransportError::NotSent("no network".into()))
    }
}

/// An engine with a provider at each of these bases: `plain-0`, `plain-1` and so on.
pub fn accounts(bases: &[&str]) -> Accounts {
    accounts_with(bases, |_| ())
}

/// The same, with changed dialects.
pub fn accounts_with(bases: &[&str], change: impl Fn(&mut Dialect)) -> Accounts {
    let mut builder = Accounts::builder(MemoryStore::new()).transport(NoTransport);
    for (number, base) in bases.iter().enumerate() {
        let mut dialect = Dialect::rfc6749(&format!("plain-{number}"), base).unwrap();
        dialect.api_origins = vec![format!("https://api-{number}.example").try_into().unwrap()];
        change(&mut dialect);
        let registration = Registration::new("client", "https://app.example/cb");
        builder = builder.provider(dialect.with(registration.secret("s")).unwrap());
    }
    builder.build().unwrap()
}

/// An engine with this provider.
pub fn accounts_of(provider: impl Provider) -> Accounts {
    let builder = Accounts::builder(MemoryStore::new()).transport(NoTransport);
    builder.provider(provider).build().unwrap()
}

pub async fn connected(accounts: &Accounts, brand: &str, subject: &str, token: &str) -> Account {
    let account = accounts.account(brand, subject).unwrap();
    account.adopt(TokenSet::new(token)).await.unwrap();
    account
}
