//! Code of users that panics.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use tokenkeeper_emulator::Emulator;
use tokenkeeper_engine::{
    Account, Clock, Options, TestClock,
    protocol::{AccessToken, Attachment, Client, Error as ProtocolError, Provider},
};
use tokenkeeper_provider_amiqus::Amiqus;

use super::{seconds, until_token};
use crate::harness::{HOUR, World, amiqus, issued};

/// How many of the next calls panic.
#[derive(Debug, Default)]
pub(super) struct Panics(AtomicUsize);

impl Panics {
    pub(super) fn next(&self, count: usize) {
        self.0.store(count, Ordering::SeqCst);
    }

    pub(super) fn take(&self) {
        let left = |left: usize| left.checked_sub(1);
        let (set, fetch) = (Ordering::SeqCst, Ordering::SeqCst);
        assert!(
            self.0.fetch_update(set, fetch, left).is_err(),
            "a panic of a test"
        );
    }
}

/// A provider whose `attach` panics at times.
#[derive(Debug)]
pub(super) struct Fragile {
    inner: Amiqus,
    pub(super) panics: Panics,
}

impl Provider for Fragile {
    fn client(&self) -> &Client {
        self.inner.client()
    }

    fn attach(&self, token: &AccessToken) -> Result<Attachment, ProtocolError> {
        self.panics.take();
        self.inner.attach(token)
    }
}

pub(super) fn fragile() -> (Arc<Fragile>, World) {
    let provider = Arc::new(Fragile {
        inner: amiqus(),
        panics: Panics::default(),
    });
    let emulator = Emulator::amiqus().access_token_lifetime(HOUR);
    let world = World::new(emulator, provider.clone(), Options::default());
    (provider, world)
}

/// Refreshes in a task, so that a panic in the call itself ends only that.
pub(super) async fn try_to_refresh(account: &Account) {
    let account = account.clone();
    let refresh = tokio::spawn(async move { account.refresh().await });
    let _ = refresh.await;
}

/// There is a token, and none was presented twice.
pub(super) async fn recovers(world: &World, account: &Account) {
    until_token(account, seconds(1), HOUR * 2).await;
    assert_eq!(world.call(account).await, 200);
    assert_eq!(world.emulator.counters().presented_after_answer(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_attach_at_a_refresh_loses_no_token() {
    for panics in [1, 2, 5] {
        let (provider, world) = fragile();
        let account = world.connected().await;
        world.pass(HOUR).await;
        provider.panics.next(panics);
        try_to_refresh(&account).await;
        recovers(&world, &account).await;
        assert_eq!(world.token_requests(), 1, "{panics}");
        assert_eq!(world.elsewhere().token().await.unwrap().generation(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_attach_at_a_login_loses_no_token() {
    for panics in [1, 2, 5] {
        let (provider, world) = fragile();
        let account = world.account();
        provider.panics.next(panics);
        let adopt = tokio::spawn({
            let (account, tokens) = (account.clone(), issued(&world.emulator));
            async move { account.adopt(tokens).await }
        });
        let _ = adopt.await;
        recovers(&world, &account).await;
        assert_eq!(world.token_requests(), 0, "{panics}");
    }
}

/// A clock that panics at times.
#[derive(Clone, Debug)]
struct FragileClock {
    inner: TestClock,
    panics: Arc<Panics>,
}

impl Clock for FragileClock {
    fn wall(&self) -> SystemTime {
        self.panics.take();
        self.inner.wall()
    }

    fn monotonic(&self) -> Duration {
        self.inner.monotonic()
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_clock_blocks_no_account() {
    for panics in [1, 2, 5] {
        let world = World::amiqus();
        world.connected().await;
        let clock = FragileClock {
            inner: world.clock.clone(),
            panics: Arc::default(),
        };
        let process = world.builder().clock(clock.clone()).build().unwrap();
        let account = world.account_of(&process);
        world.pass(HOUR).await;
        clock.panics.next(panics);
        for _ in 0..5 {
            try_to_refresh(&account).await;
        }
        clock.panics.next(0);
        recovers(&world, &account).await;
    }
}
