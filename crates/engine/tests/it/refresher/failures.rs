//! How a refresher handles failures of the provider, the store or an account, and how it stops.

use std::{sync::atomic::Ordering, time::Duration};

use async_trait::async_trait;
use tokenkeeper_emulator::{Endpoint, Fault as EndpointFault};
use tokenkeeper_engine::{
    Accounts, Cause, Error, Options,
    store::{Entry, Key, Outcome, StoreError, TokenStore, Version},
};

use super::{fleet::Fleet, run};
use crate::harness::{
    HOUR, InProcessTransport, MINUTE, SECOND, StoreFault, World, amiqus, assert_err, cause, settle,
};

#[tokio::test(start_paused = true)]
async fn a_provider_is_left_alone_for_its_retry_after() {
    let fleet = Fleet::connect(300, MINUTE).await;
    tokio::time::advance(50 * MINUTE).await;
    fleet.provider.answer_after(SECOND / 2);
    fleet.provider.limit(600 * SECOND);
    let process = fleet.process();
    run(process.refresher().concurrency(4), 10 * MINUTE).await;
    // Only the requests in flight, although all accounts are due.
    fleet.provider.seen(|seen| {
        assert_eq!(seen.limited, 4);
        assert_eq!(seen.per_second.iter().sum::<u32>(), 4);
    });
    run(process.refresher().concurrency(4), 5 * MINUTE).await;
    fleet.provider.seen(|seen| {
        assert_eq!(seen.limited, 4);
        assert_eq!(seen.per_second.iter().sum::<u32>(), 304);
    });
}

/// Returns a world in which the provider asked a process to wait that has since shut down.
async fn paused_by_another_process(retry_after: u64) -> World {
    let world = World::amiqus();
    let account = world.connect_account().await;
    world.advance(50 * MINUTE).await;
    let busy = EndpointFault::TooManyRequests { retry_after };
    world.emulator.faults().once(Endpoint::Token, busy);
    account.refresh().await.unwrap_err();
    world.accounts.shutdown(MINUTE).await.unwrap();
    world
}

#[tokio::test(start_paused = true)]
async fn an_account_is_refreshed_after_a_shared_pause() {
    let world = paused_by_another_process(60).await;
    // The new process has never seen the account, and no caller asks for it.
    run(world.another_process().refresher(), 3 * MINUTE).await;
    assert_eq!(world.token_requests(), 2);
    assert_eq!(world.call_api(&world.account_elsewhere()).await, 200);
}

#[tokio::test(start_paused = true)]
async fn an_account_is_refreshed_after_a_pause_that_outlasts_memory() {
    let world = paused_by_another_process(7200).await;
    run(world.another_process().refresher(), 7 * HOUR).await;
    assert!(world.token_requests() > 1);
}

#[tokio::test(start_paused = true)]
async fn a_failing_provider_is_asked_less_and_less() {
    let fleet = Fleet::connect(300, MINUTE).await;
    tokio::time::advance(50 * MINUTE).await;
    fleet.provider.limit_without_saying(HOUR);
    run(fleet.process().refresher().concurrency(1), HOUR).await;
    // After 1, 2, 4 … seconds, then every five minutes.
    fleet
        .provider
        .seen(|seen| assert!((15..=25).contains(&seen.limited), "{}", seen.limited));
    run(fleet.process().refresher(), 10 * MINUTE).await;
    fleet.provider.seen(|seen| {
        assert!(seen.accounts.iter().all(|issued| issued.generation > 1));
    });
}

#[tokio::test(start_paused = true)]
async fn an_account_that_needs_a_login_costs_one_request() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    world
        .emulator
        .revoke_user(tokenkeeper_emulator::DEFAULT_USER);
    run(world.accounts.refresher(), 5 * HOUR).await;
    assert_eq!(world.token_requests(), 1);
    let entry = world.store.entry(&account.key()).await.unwrap();
    assert_eq!((entry.due, entry.attention), (None, true));
}

#[tokio::test(start_paused = true)]
async fn a_refresher_backs_off_from_a_store_that_is_down() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    world.advance(40 * MINUTE).await;
    world.store.reset_counts();
    world.store.fail(usize::MAX, StoreFault::Refuse);
    let process = world.another_process();
    run(process.refresher(), 10 * MINUTE).await;
    let asked = world.store.gets.load(Ordering::SeqCst);
    assert!((5..40).contains(&asked), "{asked}");
    assert_eq!(world.token_requests(), 0);
    let later = async {
        tokio::time::sleep(5 * SECOND).await;
        world.store.recover();
        tokio::time::sleep(MINUTE).await;
    };
    process.refresher().run(later).await.unwrap();
    assert_eq!(world.token_requests(), 1);
    assert_eq!(world.call_api(&account).await, 200);
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_record_is_skipped() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    let entry = world.store.make_unreadable(&account.key()).await;
    settle().await;
    world.store.reset_counts();
    run(world.another_process().refresher(), 55 * MINUTE).await;
    let asked = world.store.gets.load(Ordering::SeqCst);
    assert_eq!((asked, world.token_requests()), (1, 0));
    assert_eq!(world.store.entry(&account.key()).await, Some(entry));
}

#[tokio::test(start_paused = true)]
async fn a_refresher_keeps_what_only_memory_knows() {
    let (world, account) = World::expired_and_compared().await;
    // The store shows an attempt, and memory knows that it was not answered.
    world.lose_answer_and_its_record();
    account.token().await.unwrap_err();
    run(world.accounts.refresher(), 5 * MINUTE).await;
    let error = account.token().await.unwrap_err();
    assert_eq!(*cause(&error), Cause::ResponseLost);
    assert_eq!(world.token_requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_tombstone_that_the_store_lost_is_written_again() {
    let world = World::without_notifications(Options::default());
    let account = world.connect_account().await;
    account.disconnect().await.unwrap();
    world.store.roll_back(&account.key(), 1).await;
    // Memory knows the tombstone for some seconds.
    account.status().await.unwrap();
    run(world.accounts.refresher(), 3 * HOUR).await;
    let record = world.store.record(&account.key()).await;
    assert!(record["state"]["ended"].is_object(), "{record}");
    assert_eq!(world.token_requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_refresher_stops_at_once_and_requests_in_flight_finish() {
    let fleet = Fleet::connect(10, MINUTE).await;
    tokio::time::advance(50 * MINUTE).await;
    fleet.provider.answer_after(20 * SECOND);
    let process = fleet.process();
    let before = tokio::time::Instant::now();
    run(process.refresher(), 10 * SECOND).await;
    assert_eq!(before.elapsed(), 10 * SECOND);
    let begun = fleet.provider.seen(|seen| seen.most_at_once);
    assert!(begun > 0);
    process.shutdown(MINUTE).await.unwrap();
    fleet
        .provider
        .seen(|seen| assert_eq!(seen.refreshed, begun));
}

#[tokio::test(start_paused = true)]
async fn a_refresher_ends_with_its_engine() {
    let world = World::amiqus();
    let work = world.accounts.refresher().run(std::future::pending());
    let work = tokio::spawn(work);
    tokio::time::sleep(MINUTE).await;
    let before = tokio::time::Instant::now();
    world.accounts.shutdown(MINUTE).await.unwrap();
    work.await.unwrap().unwrap();
    assert!(before.elapsed() < SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_store_without_listing_is_refused_at_the_start() {
    let world = World::amiqus();
    let accounts = Accounts::builder(UnlistableStore)
        .provider(amiqus())
        .transport(InProcessTransport::new(world.emulator.clone()))
        .build()
        .unwrap();
    let refresher = accounts.refresher().scan_interval(HOUR);
    let before = tokio::time::Instant::now();
    assert_err!(
        refresher.run(std::future::pending()).await,
        Error::Listing(_)
    );
    assert_eq!(before.elapsed(), Duration::ZERO);
}

/// A store that keeps nothing and cannot list.
#[derive(Debug)]
struct UnlistableStore;

#[async_trait]
impl TokenStore for UnlistableStore {
    async fn get(&self, _: &Key) -> Result<Option<Entry>, StoreError> {
        Ok(None)
    }

    async fn put(&self, _: &Key, _: &Entry, _: Option<Version>) -> Result<Outcome, StoreError> {
        Err(StoreError::Full)
    }

    async fn delete(&self, _: &Key, _: Version) -> Result<Outcome, StoreError> {
        Ok(Outcome::Conflict(None))
    }
}
