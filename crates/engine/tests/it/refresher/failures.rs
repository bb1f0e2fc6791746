//! What a refresher does when the provider, the store or an account fails, and how it stops.

use std::{sync::atomic::Ordering, time::Duration};

use async_trait::async_trait;
use tokenkeeper_emulator::{Endpoint, Fault as Broken};
use tokenkeeper_engine::{
    Accounts, Cause, Error, Options,
    store::{Entry, Key, Outcome, StoreError, TokenStore, Version},
};

use super::{MINUTE, fleet::Fleet, run};
use crate::harness::{Fault, HOUR, InProcess, World, amiqus, settle};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_provider_that_names_a_time_is_left_alone_for_so_long() {
    let fleet = Fleet::connect(300, MINUTE).await;
    tokio::time::advance(50 * MINUTE).await;
    fleet.provider.answer_after(SECOND / 2);
    fleet.provider.limit(600 * SECOND);
    let process = fleet.process();
    run(process.refresher().concurrency(4), 10 * MINUTE).await;
    // Those that were on their way; then nobody, though all are due.
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

#[tokio::test(start_paused = true)]
async fn an_account_is_refreshed_after_a_pause_that_another_process_left() {
    let world = World::amiqus();
    let account = world.connected().await;
    world.pass(50 * MINUTE).await;
    let faults = world.emulator.faults();
    let busy = Broken::TooManyRequests { retry_after: 60 };
    faults.once(Endpoint::Token, busy);
    account.refresh().await.unwrap_err();
    world.accounts.shutdown(MINUTE).await.unwrap();
    // It has never seen the account before, and nobody else asks for it.
    run(world.another_process().refresher(), 3 * MINUTE).await;
    assert_eq!(world.token_requests(), 2);
    assert_eq!(world.call(&world.elsewhere()).await, 200);
}

#[tokio::test(start_paused = true)]
async fn an_account_is_refreshed_after_a_pause_that_outlasts_memory() {
    let world = World::amiqus();
    let account = world.connected().await;
    world.pass(50 * MINUTE).await;
    let faults = world.emulator.faults();
    let busy = Broken::TooManyRequests { retry_after: 7200 };
    faults.once(Endpoint::Token, busy);
    account.refresh().await.unwrap_err();
    world.accounts.shutdown(MINUTE).await.unwrap();
    run(world.another_process().refresher(), 7 * HOUR).await;
    assert!(world.token_requests() > 1);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_is_ill_is_asked_less_and_less() {
    let fleet = Fleet::connect(300, MINUTE).await;
    tokio::time::advance(50 * MINUTE).await;
    fleet.provider.limit_without_saying(HOUR);
    run(fleet.process().refresher().concurrency(1), HOUR).await;
    // 1, 2, 4 … seconds, then each five minutes.
    fleet
        .provider
        .seen(|seen| assert!((15..=25).contains(&seen.limited), "{}", seen.limited));
    run(fleet.process().refresher(), 10 * MINUTE).await;
    fleet.provider.seen(|seen| {
        assert!(seen.accounts.iter().all(|issued| issued.generation > 1));
    });
}

#[tokio::test(start_paused = true)]
async fn an_account_that_needs_a_person_is_asked_for_once() {
    let world = World::amiqus();
    let account = world.connected().await;
    world
        .emulator
        .revoke_user(tokenkeeper_emulator::DEFAULT_USER);
    run(world.accounts.refresher(), 5 * HOUR).await;
    assert_eq!(world.token_requests(), 1);
    let entry = world.store.entry(&account.key()).await.unwrap();
    assert_eq!((entry.due, entry.attention), (None, true));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_is_left_alone_and_found_again() {
    let world = World::amiqus();
    let account = world.connected().await;
    world.pass(40 * MINUTE).await;
    world.store.reset_counts();
    world.store.fail(usize::MAX, Fault::Refuse);
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
    assert_eq!(world.call(&account).await, 200);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_read_is_passed_over() {
    let world = World::amiqus();
    let account = world.connected().await;
    let entry = world.store.make_unreadable(&account.key()).await;
    settle().await;
    world.store.reset_counts();
    run(world.another_process().refresher(), 55 * MINUTE).await;
    let asked = world.store.gets.load(Ordering::SeqCst);
    assert_eq!((asked, world.token_requests()), (1, 0));
    assert_eq!(world.store.entry(&account.key()).await, Some(entry));
}

#[tokio::test(start_paused = true)]
async fn what_memory_knows_of_a_record_beyond_the_store_is_kept() {
    let (world, account) = World::with_an_expired_token().await;
    // The store shows an attempt, memory knows that it was not answered.
    world.lose_an_answer_and_its_note();
    account.token().await.unwrap_err();
    run(world.accounts.refresher(), 5 * MINUTE).await;
    let error = account.token().await.unwrap_err();
    let Error::ReauthorizationRequired { cause, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(cause, Cause::ResponseLost);
    assert_eq!(world.token_requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_disconnect_that_the_store_forgot_is_written_again() {
    let world = World::mute(Options::default());
    let account = world.connected().await;
    account.disconnect().await.unwrap();
    world.store.go_back(&account.key(), 1).await;
    run(world.accounts.refresher(), 3 * HOUR).await;
    let record = world.store.record(&account.key()).await;
    assert!(record["state"]["ended"].is_object(), "{record}");
    assert_eq!(world.token_requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn it_stops_at_once_and_what_is_under_way_ends() {
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
async fn it_ends_with_the_engine() {
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
async fn a_store_that_does_not_list_is_refused_at_the_start() {
    let world = World::amiqus();
    let accounts = Accounts::builder(Listless)
        .provider(amiqus())
        .transport(InProcess::new(world.emulator.clone()))
        .build()
        .unwrap();
    let refresher = accounts.refresher().scan_interval(HOUR);
    let before = tokio::time::Instant::now();
    let error = refresher.run(std::future::pending()).await.unwrap_err();
    assert!(matches!(error, Error::Listing(_)), "{error:?}");
    assert_eq!(before.elapsed(), Duration::ZERO);
}

/// A store that keeps nothing, and lists nothing.
#[derive(Debug)]
struct Listless;

#[async_trait]
impl TokenStore for Listless {
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
