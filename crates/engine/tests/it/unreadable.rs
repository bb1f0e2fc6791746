//! A record that cannot be read: the tokens of a finished login replace it, and nothing else does.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use tokenkeeper_emulator::{Endpoint, Fault};
use tokenkeeper_engine::{
    Accounts, Advice, Error, EventKind, FlowError, FlowKey, Options,
    protocol::TokenSet,
    store::{
        Encrypted, EncryptionKey, Key, KeyService, KeyServiceError, Keyring, Keys, WrappedKey,
    },
};

use crate::harness::{
    InProcessTransport, MINUTE, World, amiqus, assert_err, drain_events, login, seconds, settle,
};

/// A process over the world's store with these keys.
fn process(world: &World, keys: impl Into<Keys>) -> Accounts {
    Accounts::builder(Encrypted::new(world.store.clone(), keys))
        .provider(amiqus())
        .transport(InProcessTransport::new(world.emulator.clone()))
        .clock(world.clock.clone())
        .flow_key(FlowKey::new([7; 32]))
        .build()
        .unwrap()
}

fn ring(id: &str, key: u8) -> Keyring {
    Keyring::new(id, [key; 32]).unwrap()
}

/// Damages the stored record, and returns its bytes.
async fn damage(world: &World, key: &Key) -> Vec<u8> {
    let mut entry = world.store.entry(key).await.unwrap();
    let mut value = entry.value.to_vec();
    let middle = value.len() / 2;
    value.drain(middle..);
    entry.value = value.clone().into();
    entry.version = tokenkeeper_engine::store::Version::random();
    world.store.overwrite(key, Some(entry)).await;
    value
}

async fn bytes(world: &World, key: &Key) -> Vec<u8> {
    world.store.entry(key).await.unwrap().value.to_vec()
}

#[tokio::test(start_paused = true)]
async fn a_login_replaces_a_damaged_record_with_an_event() {
    let world = World::without_notifications(Options::default());
    let (known, unknown) = {
        let (here, _) = world.connect_in_two_processes().await;
        (here, world.account_elsewhere())
    };
    // One process has the account in memory, and one does not.
    for account in [&known, &unknown] {
        damage(&world, &account.key()).await;
        let mut events = Accounts::from(account).events();
        world.emulator.reset_counters();
        login(&world.emulator, account).await.unwrap();
        let seen = drain_events(&mut events);
        assert!(seen.contains(&EventKind::UnreadableReplaced), "{seen:?}");
        assert!(seen.contains(&EventKind::Connected), "{seen:?}");
        assert_eq!(world.emulator.counters().exchanges(), 1);
        for account in [account, &world.account_elsewhere()] {
            assert_eq!(world.call_api(account).await, 200);
            account.refresh().await.unwrap();
        }
        assert!(Accounts::from(account).shutdown(seconds(0)).await.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_replaces_a_record_whose_key_is_lost() {
    let world = World::without_notifications(Options::default());
    let before = world.account_of(&process(&world, ring("old", 1)));
    login(&world.emulator, &before).await.unwrap();
    // The id is unknown, or another key has it.
    for keys in [ring("new", 2), ring("old", 3)] {
        let accounts = process(&world, keys);
        let after = world.account_of(&accounts);
        assert_err!(after.token().await, Error::Store { .. });
        let mut events = accounts.events();
        login(&world.emulator, &after).await.unwrap();
        let seen = drain_events(&mut events);
        assert!(seen.contains(&EventKind::UnreadableReplaced), "{seen:?}");
        assert_eq!(world.call_api(&after).await, 200);
        after.refresh().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_that_brings_no_tokens_leaves_the_record() {
    let world = World::without_notifications(Options::default());
    let account = world.connect_account().await;
    let key = account.key();
    let other = world.account_elsewhere();
    let damaged = damage(&world, &key).await;
    let refused = Fault::Answer(
        http::Response::builder()
            .status(400)
            .body(r#"{"error":"invalid_grant"}"#.into())
            .unwrap(),
    );
    for fault in [refused, Fault::ServerError, Fault::CutAfterBody] {
        world.emulator.faults().once(Endpoint::Token, fault);
        for account in [&account, &other] {
            let mut events = Accounts::from(account).events();
            let _ = login(&world.emulator, account).await.is_ok_and(|_| {
                panic!("the code was not exchanged");
            });
            assert_eq!(bytes(&world, &key).await, damaged);
            assert!(!drain_events(&mut events).contains(&EventKind::UnreadableReplaced));
            world
                .emulator
                .faults()
                .once(Endpoint::Token, Fault::ServerError);
        }
        world.emulator.faults().clear_all();
    }
}

#[tokio::test(start_paused = true)]
async fn a_refresh_never_replaces_an_unreadable_record() {
    for in_flight in [false, true] {
        let world = World::without_notifications(Options::default());
        let account = world.connect_account().await;
        let key = account.key();
        let mut events = world.accounts.events();
        if in_flight {
            let gate = world.emulator.faults().hold_answers(Endpoint::Token);
            let refresh = crate::harness::spawn_refresh(&account);
            gate.arrived(1).await;
            let damaged = damage(&world, &key).await;
            gate.release();
            refresh.await.unwrap().unwrap();
            for _ in 0..60 {
                world.advance(seconds(1)).await;
                settle().await;
            }
            assert_eq!(bytes(&world, &key).await, damaged);
            // The new tokens are not lost: they are served, and a shutdown names them.
            assert_eq!(world.call_api(&account).await, 200);
            let unwritten = world.accounts.shutdown(seconds(1)).await.unwrap_err();
            assert_eq!(unwritten.accounts, [account]);
        } else {
            let damaged = damage(&world, &key).await;
            let _ = account.refresh().await.unwrap_err();
            let _ = account.disconnect().await.unwrap_err();
            let _ = world.account_elsewhere().refresh().await.unwrap_err();
            assert_eq!(bytes(&world, &key).await, damaged);
            assert_eq!(world.token_requests(), 0);
        }
        assert!(!drain_events(&mut events).contains(&EventKind::UnreadableReplaced));
    }
}

#[tokio::test(start_paused = true)]
async fn one_code_is_exchanged_over_an_unreadable_record() {
    let world = World::without_notifications(Options::default());
    let account = world.connect_account().await;
    damage(&world, &account.key()).await;
    world.emulator.reset_counters();
    let (flow, redirect) = world.approved_login().await;
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let finish = {
        let (accounts, flow, redirect) = (world.another_process(), flow.clone(), redirect.clone());
        tokio::spawn(async move {
            accounts
                .finish(flow, redirect)
                .await
                .map(|done| done.account)
        })
    };
    gate.arrived(1).await;
    let second = world.another_process();
    let used = second.finish(flow.clone(), redirect.clone()).await;
    assert_err!(used, Error::Flow(FlowError::Used));
    gate.release();
    let account = finish.await.unwrap().unwrap();
    assert_eq!(world.call_api(&account).await, 200);
    // Afterwards the callback finds the login's result.
    let again = second.finish(flow, redirect).await.unwrap();
    assert_eq!(world.call_api(&again.account).await, 200);
    assert_eq!(world.emulator.counters().exchanges(), 1);
}

#[tokio::test(start_paused = true)]
async fn adopted_tokens_do_not_replace_an_unreadable_record() {
    // An import with a wrong key would replace all records.
    let world = World::without_notifications(Options::default());
    let account = world.connect_account().await;
    let damaged = damage(&world, &account.key()).await;
    let unknown = world.account_elsewhere();
    assert!(unknown.adopt(TokenSet::new("adopted")).await.is_err());
    // A process that knows the account serves the tokens, and says that they are unwritten.
    account.adopt(TokenSet::new("adopted")).await.unwrap();
    assert_eq!(account.token().await.unwrap().expose(), "adopted");
    world.advance(MINUTE).await;
    settle().await;
    assert_eq!(bytes(&world, &account.key()).await, damaged);
    let unwritten = world.accounts.shutdown(seconds(1)).await.unwrap_err();
    assert_eq!(unwritten.accounts, [account]);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_damaged_during_a_login_is_replaced() {
    let world = World::without_notifications(Options::default());
    let account = world.connect_account().await;
    let (flow, redirect) = world.approved_login().await;
    let gate = world.emulator.faults().hold_answers(Endpoint::Token);
    let accounts = world.accounts.clone();
    let finish = tokio::spawn(async move { accounts.finish(flow, redirect).await });
    gate.arrived(1).await;
    damage(&world, &account.key()).await;
    gate.release();
    finish.await.unwrap().unwrap();
    for _ in 0..10 {
        world.advance(seconds(1)).await;
        settle().await;
    }
    assert_eq!(world.call_api(&world.account_elsewhere()).await, 200);
    world.accounts.shutdown(seconds(1)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_key_service_that_is_down_lets_nothing_be_overwritten() {
    let world = World::without_notifications(Options::default());
    let service = StandIn::default();
    let before = world.account_of(&process(&world, Keys::from_service(service.clone())));
    login(&world.emulator, &before).await.unwrap();
    let key = before.key();
    let kept = bytes(&world, &key).await;
    world.emulator.reset_counters();

    // A process that starts while the service is down.
    let accounts = process(&world, Keys::from_service(service.clone()));
    let after = world.account_of(&accounts);
    let mut events = accounts.events();
    let (flow, redirect) = world.approved_login().await;
    for hangs in [false, true] {
        service.fail(hangs);
        let error = accounts.finish(flow.clone(), redirect.clone()).await;
        let error = error.map(drop).unwrap_err();
        let transient = matches!(&error, Error::Store { source, .. } if source.is_transient());
        assert!(transient, "{error:?}");
        assert!(matches!(error.advice(), Advice::Retry { .. }), "{error:?}");
        assert_err!(after.token().await, Error::Store { .. });
        assert_err!(
            after.adopt(TokenSet::new("adopted")).await,
            Error::Store { .. }
        );
        assert_eq!(bytes(&world, &key).await, kept);
        assert_eq!(world.token_requests(), 0, "the code was not spent");
    }
    assert_eq!(drain_events(&mut events), []);

    // A process that has the account's data key goes on, and writes what it gets.
    before.refresh().await.unwrap();
    assert_eq!(world.call_api(&before).await, 200);
    assert_ne!(bytes(&world, &key).await, kept);
    Accounts::from(&before).shutdown(seconds(0)).await.unwrap();

    service.work();
    world.advance(seconds(10)).await;
    let done = accounts.finish(flow, redirect).await.unwrap();
    assert_eq!(world.call_api(&done.account).await, 200);
    assert!(!drain_events(&mut events).contains(&EventKind::UnreadableReplaced));
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_written_although_the_key_service_went_down() {
    let world = World::without_notifications(Options::default());
    let service = StandIn::default();
    let first = world.account_of(&process(&world, Keys::from_service(service.clone())));
    login(&world.emulator, &first).await.unwrap();
    let accounts = process(&world, Keys::from_service(service.clone()));
    let account = world.account_of(&accounts);
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let refresh = crate::harness::spawn_refresh(&account);
    gate.arrived(1).await;
    service.fail(true);
    let written = bytes(&world, &account.key()).await;
    let began = tokio::time::Instant::now();
    gate.release();
    refresh.await.unwrap().unwrap();
    assert!(began.elapsed() < seconds(1), "nothing was awaited");
    assert_ne!(bytes(&world, &account.key()).await, written);
    accounts.shutdown(seconds(0)).await.unwrap();
    service.work();
    let token = account.token().await.unwrap().expose().to_owned();
    let other = world.account_of(&process(&world, Keys::from_service(service)));
    assert_eq!(other.token().await.unwrap().expose(), token);
}

/// A key service that keeps the keys that it wraps, in a table.
#[derive(Clone, Debug, Default)]
struct StandIn(Arc<Table>);

#[derive(Debug, Default)]
struct Table {
    keys: std::sync::Mutex<Vec<EncryptionKey>>,
    fails: AtomicBool,
    hangs: AtomicBool,
}

impl StandIn {
    fn fail(&self, hangs: bool) {
        self.0.fails.store(true, Ordering::Relaxed);
        self.0.hangs.store(hangs, Ordering::Relaxed);
    }

    fn work(&self) {
        self.0.fails.store(false, Ordering::Relaxed);
    }

    async fn answer(&self) -> Result<(), KeyServiceError> {
        if !self.0.fails.load(Ordering::Relaxed) {
            return Ok(());
        }
        if self.0.hangs.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        Err(KeyServiceError::unavailable("connection refused"))
    }
}

#[async_trait]
impl KeyService for StandIn {
    async fn wrap_key(&self, key: &EncryptionKey) -> Result<WrappedKey, KeyServiceError> {
        self.answer().await?;
        let mut keys = self.0.keys.lock().unwrap();
        keys.push(key.clone());
        WrappedKey::new("table", vec![u8::try_from(keys.len() - 1).unwrap()])
    }

    async fn unwrap_key(&self, wrapped: &WrappedKey) -> Result<EncryptionKey, KeyServiceError> {
        self.answer().await?;
        let keys = self.0.keys.lock().unwrap();
        let place = wrapped.bytes().first().map(|&place| usize::from(place));
        let key = place.and_then(|place| keys.get(place));
        key.cloned()
            .ok_or_else(|| KeyServiceError::invalid("unknown"))
    }
}
