//! The setup of one row: an emulator, an engine and a store, on one clock that is moved by hand.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokenkeeper::{
    Account, Accounts, Flow, MemoryStore, clock::Clock as _, protocol::Redirect, testing::TestClock,
};
use tokenkeeper_emulator::{Emulator, Endpoint};

use super::{
    front::{Client, Front},
    provider::{LIFETIME, Provider},
};
use crate::BoxError;

/// The parts that the steps of one row share.
pub(crate) struct Setup {
    pub(crate) provider: Provider,
    pub(crate) front: Front,
    pub(crate) emulator: Emulator,
    pub(crate) accounts: Accounts,
    pub(crate) account: Account,
    /// The application's HTTP client.
    pub(crate) client: Client,
    /// The API's URL.
    pub(crate) api: String,
    /// A login in progress: its flow and the redirect that the browser received.
    pub(crate) callback: Option<(Flow, Redirect)>,
    clock: TestClock,
    store: MemoryStore,
    browser: legacy::Client<HttpConnector, Empty<Bytes>>,
}

impl Setup {
    pub(crate) async fn new(provider: Provider, front: Front) -> Result<Self, BoxError> {
        let clock = TestClock::starting_at(SystemTime::now());
        let emulator = provider.start(&clock).await?;
        let time = clock.clone();
        let store = MemoryStore::new().clock(move || time.wall());
        let accounts = engine(provider, front, &emulator, &store, &clock)?;
        let account = accounts.account(provider.brand(), SUBJECT)?;
        Ok(Self {
            provider,
            front,
            client: front.client(&account)?,
            api: emulator
                .url(Endpoint::Api)
                .ok_or("the emulator has no API")?,
            callback: None,
            browser: legacy::Client::builder(TokioExecutor::new()).build_http(),
            accounts,
            account,
            emulator,
            clock,
            store,
        })
    }

    /// Expires the access token, for the provider and for the engine.
    pub(crate) fn expire(&self) {
        self.clock.advance(LIFETIME + Duration::from_secs(1));
    }

    /// Makes another engine over the same store, like another process, with its own client.
    pub(crate) fn another_engine(&self) -> Result<(Accounts, Client), BoxError> {
        let accounts = engine(
            self.provider,
            self.front,
            &self.emulator,
            &self.store,
            &self.clock,
        )?;
        let account = accounts.account(self.provider.brand(), SUBJECT)?;
        let client = self.front.client(&account)?;
        Ok((accounts, client))
    }

    /// Sends a request without our code, and follows no redirect.
    pub(crate) async fn browse(
        &self,
        url: &str,
        headers: HeaderMap,
    ) -> Result<Response<Bytes>, BoxError> {
        let mut request = Request::get(url).body(Empty::new())?;
        *request.headers_mut() = headers;
        let (head, body) = self.browser.request(request).await?.into_parts();
        Ok(Response::from_parts(head, body.collect().await?.to_bytes()))
    }
}

/// The application's name for the connection.
const SUBJECT: &str = "user-42";

fn engine(
    provider: Provider,
    front: Front,
    emulator: &Emulator,
    store: &MemoryStore,
    clock: &TestClock,
) -> Result<Accounts, BoxError> {
    let accounts = Accounts::builder(store.clone())
        .transport(front.transport()?)
        .clock(clock.clone());
    Ok(provider.add(accounts, emulator.base())?.build()?)
}
