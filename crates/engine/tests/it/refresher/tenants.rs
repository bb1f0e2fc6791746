//! A provider with a site per tenant, of which one is paused.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use tokenkeeper_engine::{
    Accounts, Clock as _, RequestBody, TestClock, Transport, TransportError,
    protocol::{Registration, SitePolicy, TokenSet},
    store::{Filter, TokenStore},
};
use tokenkeeper_provider_ioffice::IOffice;
use tokenkeeper_store_memory::MemoryStore;

use crate::harness::{MINUTE, SECOND, new_clock};

const PAUSED: &str = "https://paused.example";
const OTHER: &str = "https://other.example";

/// Answers 429 for one site until a time, and with tokens otherwise.
#[derive(Debug)]
struct Tenants {
    clock: TestClock,
    until: SystemTime,
}

#[async_trait]
impl Transport for Tenants {
    async fn send(
        &self,
        request: Request<RequestBody>,
        _: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        tokio::time::sleep(SECOND / 10).await;
        let is_paused = request.uri().host() == Some("paused.example");
        let left = self.until.duration_since(self.clock.wall());
        if let (true, Ok(left)) = (is_paused, left) {
            let answer = Response::builder().status(429);
            let answer = answer.header("retry-after", left.as_secs() + 1);
            return Ok(answer.body(Bytes::new()).unwrap());
        }
        // Its unit is the millisecond.
        let tokens = r#"{"access_token":"a","token_type":"Bearer","expires_in":36000000,
            "refresh_token":"r"}"#;
        let answer = Response::builder().header("content-type", "application/json");
        Ok(answer.body(tokens.into()).unwrap())
    }
}

/// Returns how many accounts of a site are due.
async fn due(store: &MemoryStore, clock: &TestClock, site: &str) -> usize {
    let filter = Filter::DueBefore(clock.wall());
    let page = store.list(filter, None, 10_000).await.unwrap();
    page.keys.iter().filter(|key| key.base() == site).count()
}

#[tokio::test(start_paused = true)]
async fn a_paused_tenant_delays_no_other() {
    let clock = new_clock();
    let wall = clock.clone();
    let store = MemoryStore::new().clock(move || wall.wall());
    let transport = Tenants {
        clock: clock.clone(),
        until: clock.wall() + 5 * MINUTE,
    };
    let registration = Registration::new("client", "https://app.example/callback");
    let provider = IOffice::new(registration).unwrap();
    let accounts = Accounts::builder(store.clone())
        .provider(provider.sites(SitePolicy::only([PAUSED, OTHER]).unwrap()))
        .transport(Arc::new(transport))
        .clock(clock.clone())
        .build()
        .unwrap();
    // Those of the paused site are due first.
    for (site, age) in [(PAUSED, 120), (OTHER, 60)] {
        for n in 0..500 {
            let account = accounts
                .account_at("ioffice", site, &n.to_string())
                .unwrap();
            let tokens = TokenSet::new("access")
                .with_refresh_token("refresh")
                .with_issued_at(clock.wall() - age * MINUTE)
                .with_expires_at(clock.wall() - MINUTE);
            account.adopt(tokens).await.unwrap();
        }
    }
    assert_eq!(due(&store, &clock, PAUSED).await, 500);
    let work = async {
        tokio::time::sleep(SECOND * 500 / 80 + 5 * SECOND).await;
        assert_eq!(due(&store, &clock, OTHER).await, 0);
        assert!(due(&store, &clock, PAUSED).await > 450);
        tokio::time::sleep(6 * MINUTE).await;
        assert_eq!(due(&store, &clock, PAUSED).await, 0);
    };
    accounts.refresher().run(work).await.unwrap();
}
