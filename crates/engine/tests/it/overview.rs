//! The counts of the accounts in the store.

use std::{
    sync::{Arc, Mutex},
    time::SystemTime,
};

use async_trait::async_trait;
use futures_util::FutureExt as _;
use serde_json::json;
use tokenkeeper_emulator::{Emulator, Endpoint, Fault as EndpointFault};
use tokenkeeper_engine::{
    Account, AccountHealth, Accounts, Error,
    protocol::TokenSet,
    store::{Cursor, Entry, Filter, Key, Outcome, Page, StoreError, TokenStore, Version},
};
use tokenkeeper_store_memory::MemoryStore;

use crate::harness::{
    HOUR, InProcessTransport, World, amiqus, assert_err, issue_tokens, seconds, settle,
};

/// Connects an account with tokens of the emulator.
async fn connected(world: &World, subject: &str) -> Account {
    let account = world.account().provider().to_owned();
    let account = world.accounts.account(&account, subject).unwrap();
    account.adopt(issue_tokens(&world.emulator)).await.unwrap();
    account
}

/// Lets a refresh of the account fail.
async fn fail(world: &World, subject: &str, fault: EndpointFault) -> Account {
    let account = connected(world, subject).await;
    world.emulator.faults().once(Endpoint::Token, fault);
    account.refresh().await.unwrap_err();
    account
}

fn refused(code: &str) -> EndpointFault {
    EndpointFault::json(400, &json!({ "error": code }))
}

#[tokio::test(start_paused = true)]
async fn accounts_are_counted_by_health_and_due_time() {
    let world = World::plain();
    for subject in ["fresh-1", "fresh-2"] {
        connected(&world, subject).await;
    }
    let adopted = world
        .accounts
        .account(world.account().provider(), "endless");
    adopted
        .unwrap()
        .adopt(TokenSet::new("access-1"))
        .await
        .unwrap();
    fail(&world, "busy", EndpointFault::TooManyRequestsBare).await;
    fail(&world, "refused", refused("invalid_grant")).await;
    fail(&world, "client", refused("invalid_client")).await;
    fail(&world, "odd", refused("invalid_request")).await;
    connected(&world, "gone").await.disconnect().await.unwrap();

    let elsewhere = world.another_process();
    let overview = elsewhere.overview().await.unwrap();
    assert!(overview.unread.is_empty());
    assert_eq!((overview.others, overview.providers.len()), (0, 1));
    let provider = &overview.providers[0];
    assert_eq!(provider.brand, world.account().provider());
    assert_eq!((provider.accounts, provider.refreshable), (8, 5));
    assert_eq!((provider.due, provider.overdue), (0, 0));
    assert_eq!((provider.attention, provider.unread), (4, 0));
    for (health, count) in [
        (AccountHealth::ReauthorizationRequired, 1),
        (AccountHealth::Misconfigured, 1),
        (AccountHealth::Unexplained, 1),
        (AccountHealth::Failing, 1),
        (AccountHealth::Expired, 0),
        (AccountHealth::Healthy, 0),
    ] {
        assert_eq!(provider.marked(health), count, "{health}");
    }
    assert_eq!(provider.healthy(), 2);

    world.advance(HOUR * 24).await;
    let overview = elsewhere.overview().await.unwrap();
    let provider = &overview.providers[0];
    assert_eq!((provider.due, provider.overdue), (5, 5));
    assert_eq!(provider.marked(AccountHealth::Expired), 1);
}

#[tokio::test(start_paused = true)]
async fn no_record_is_read_that_needs_no_attention() {
    let world = World::plain();
    for number in 0..10 {
        connected(&world, &number.to_string()).await;
    }
    world.store.reset_counts();
    world.accounts.overview().await.unwrap();
    let without = world.store.round_trips();
    fail(&world, "refused", refused("invalid_grant")).await;
    world.store.reset_counts();
    world.accounts.overview().await.unwrap();
    assert_eq!(world.store.round_trips(), without + 1);
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_record_is_counted_as_unread() {
    let world = World::plain();
    let account = fail(&world, "refused", refused("invalid_grant")).await;
    world.store.make_unreadable(&account.key()).await;
    let mut entry = world.store.entry(&account.key()).await.unwrap();
    entry.attention = true;
    world.store.overwrite(&account.key(), Some(entry)).await;
    let overview = world.another_process().overview().await.unwrap();
    let provider = &overview.providers[0];
    assert_eq!((provider.attention, provider.unread), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn entries_of_the_engine_are_not_counted() {
    let world = World::plain();
    connected(&world, "gone").await.forget().await.unwrap();
    let account = fail(&world, "refused", refused("invalid_grant")).await;
    let (key, entry) = (account.key(), world.store.entry(&account.key()).await);
    let entry = entry.unwrap().with_due(SystemTime::UNIX_EPOCH);
    assert!(entry.attention);
    for kind in ["forgotten", "claimed"] {
        let subject = format!("{kind}:{}", "0a".repeat(32));
        for brand in [key.brand(), "strangers"] {
            let key = Key::new(brand, key.base(), key.client_id(), &subject).unwrap();
            world.store.overwrite(&key, Some(entry.clone())).await;
        }
    }
    let overview = world.another_process().overview().await.unwrap();
    assert_eq!(overview.others, 0);
    let provider = &overview.providers[0];
    assert_eq!((provider.accounts, provider.refreshable), (1, 0));
    assert_eq!((provider.due, provider.overdue), (0, 0));
    assert_eq!((provider.attention, provider.unread), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn no_more_than_10_000_records_are_read() {
    let world = World::plain();
    let account = fail(&world, "0", refused("invalid_grant")).await;
    let (key, entry) = (account.key(), world.store.entry(&account.key()).await);
    for number in 1..10_010 {
        let subject = number.to_string();
        let key = Key::new(key.brand(), key.base(), key.client_id(), &subject).unwrap();
        world.store.overwrite(&key, entry.clone()).await;
    }
    world.store.reset_counts();
    let overview = world.accounts.overview().await.unwrap();
    assert_eq!(world.store.round_trips(), 10_000);
    let provider = &overview.providers[0];
    assert_eq!((provider.attention, provider.unread), (10_010, 10));
    let lost = provider.marked(AccountHealth::ReauthorizationRequired);
    assert_eq!(lost, 10_000);
}

/// A store whose listings fail on demand.
#[derive(Debug, Default)]
struct ListStore {
    inner: MemoryStore,
    fault: Mutex<Option<ListFault>>,
}

#[derive(Clone, Copy, Debug)]
enum ListFault {
    Refuses,
    Hangs,
    /// One part cannot be read.
    Lacks,
    Unsupported,
}

#[async_trait]
impl TokenStore for ListStore {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        self.inner.get(key).await
    }

    async fn put(
        &self,
        key: &Key,
        entry: &Entry,
        expected: Option<Version>,
    ) -> Result<Outcome, StoreError> {
        self.inner.put(key, entry, expected).await
    }

    async fn delete(&self, key: &Key, expected: Version) -> Result<Outcome, StoreError> {
        self.inner.delete(key, expected).await
    }

    async fn list(
        &self,
        filter: Filter,
        cursor: Option<Cursor>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let fault = *self.fault.lock().unwrap();
        let page = self.inner.list(filter, cursor, limit).await?;
        match fault {
            None => Ok(page),
            Some(ListFault::Refuses) => Err(StoreError::unavailable("refused")),
            Some(ListFault::Hangs) => std::future::pending().await,
            Some(ListFault::Lacks) => {
                Ok(page.with_unread(vec![StoreError::unavailable("a part is away")]))
            }
            Some(ListFault::Unsupported) => Err(StoreError::Unsupported("listing")),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_failing_store_is_named_and_not_an_error() {
    let store = Arc::new(ListStore::default());
    let transport = InProcessTransport::new(Emulator::amiqus().in_process());
    let builder = Accounts::builder(store.clone()).provider(amiqus());
    let accounts = builder.transport(transport).build().unwrap();
    let account = accounts.account("amiqus", "one").unwrap();
    account.adopt(TokenSet::new("access-1")).await.unwrap();
    for (fault, counted) in [
        (ListFault::Refuses, 0),
        (ListFault::Hangs, 0),
        (ListFault::Lacks, 1),
    ] {
        *store.fault.lock().unwrap() = Some(fault);
        let overview = accounts.overview().await.unwrap();
        assert_eq!(overview.providers[0].accounts, counted, "{fault:?}");
        // Each listing meets the same failure, which is named once.
        assert_eq!(overview.unread.len(), 1, "{:?}", overview.unread);
    }
    *store.fault.lock().unwrap() = Some(ListFault::Unsupported);
    assert_err!(accounts.overview().await, Error::Listing(_));
    *store.fault.lock().unwrap() = None;
    let overview = accounts.overview().await.unwrap();
    assert!(overview.unread.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_dropped_overview_stops_its_reads() {
    let world = World::plain();
    for number in 0..20 {
        fail(&world, &number.to_string(), refused("invalid_grant")).await;
    }
    world.store.delay_calls(seconds(1));
    world.store.reset_counts();
    let mut overview = Box::pin(world.accounts.overview());
    assert!(overview.as_mut().now_or_never().is_none());
    settle().await;
    assert_eq!(world.store.round_trips(), 8);
    drop(overview);
    tokio::time::sleep(seconds(10)).await;
    assert_eq!(world.store.round_trips(), 8);
}
