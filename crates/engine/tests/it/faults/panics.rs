//! Panics in code of the application.

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

use super::until_token;
use crate::harness::{HOUR, World, amiqus, issue_tokens, seconds, spawn_refresh};

/// Counts how many of the next calls panic.
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

/// A provider whose `attach` panics on demand.
#[derive(Debug)]
pub(super) struct PanickingProvider {
    inner: Amiqus,
    pub(super) panics: Panics,
}

impl Provider for PanickingProvider {
    fn client(&self) -> &Client {
        self.inner.client()
    }

    fn attach(
        &self,
        token: &AccessToken,
        token_type: Option<&str>,
    ) -> Result<Attachment, ProtocolError> {
        self.panics.take();
        self.inner.attach(token, token_type)
    }
}

pub(super) fn panicking_provider() -> (Arc<PanickingProvider>, World) {
    let provider = Arc::new(PanickingProvider {
        inner: amiqus(),
        panics: Panics::default(),
    });
    let emulator = Emulator::amiqus().access_token_lifetime(HOUR);
    // Where the store notifies, memory is compared too rarely for five panics in an hour.
    let world = World::without_notifications_at(emulator, provider.clone(), Options::default());
    (provider, world)
}

/// Refreshes in a task, so that a panic in the call ends only that task.
pub(super) async fn try_to_refresh(account: &Account) {
    let account = account.clone();
    let refresh = spawn_refresh(&account);
    let _ = refresh.await;
}

/// Checks that the account gets a token, and that no token was presented twice.
pub(super) async fn assert_recovers(world: &World, account: &Account) {
    until_token(account, seconds(1), HOUR * 2).await;
    assert_eq!(world.call_api(account).await, 200);
    assert_eq!(world.emulator.counters().presented_after_answer(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_attach_at_a_refresh_loses_no_token() {
    for panics in [1, 2, 5] {
        let (provider, world) = panicking_provider();
        let account = world.connect_account().await;
        world.advance(HOUR).await;
        provider.panics.next(panics);
        try_to_refresh(&account).await;
        assert_recovers(&world, &account).await;
        assert_eq!(world.token_requests(), 1, "{panics}");
        assert_eq!(world.generation_elsewhere().await, 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_attach_at_a_login_loses_no_token() {
    for panics in [1, 2, 5] {
        let (provider, world) = panicking_provider();
        let account = world.account();
        provider.panics.next(panics);
        let adopt = tokio::spawn({
            let (account, tokens) = (account.clone(), issue_tokens(&world.emulator));
            async move { account.adopt(tokens).await }
        });
        let _ = adopt.await;
        assert_recovers(&world, &account).await;
        assert_eq!(world.token_requests(), 0, "{panics}");
    }
}

/// A clock that panics on demand.
#[derive(Clone, Debug)]
struct PanickingClock {
    inner: TestClock,
    panics: Arc<Panics>,
}

impl Clock for PanickingClock {
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
        world.connect_account().await;
        let clock = PanickingClock {
            inner: world.clock.clone(),
            panics: Arc::default(),
        };
        let process = world.builder().clock(clock.clone()).build().unwrap();
        let account = world.account_of(&process);
        world.advance(HOUR).await;
        clock.panics.next(panics);
        for _ in 0..5 {
            try_to_refresh(&account).await;
        }
        clock.panics.next(0);
        assert_recovers(&world, &account).await;
    }
}
