//! Callers whose runtimes are short-lived or lack timers, next to the engine's own.

use std::time::Duration;

use tokenkeeper_emulator::Endpoint;
use tokenkeeper_engine::{Account, Error, Options, Token};
use tokio::{
    runtime::{Builder, Runtime},
    time::{sleep, timeout},
};

use super::connection;
use crate::harness::{Fault, HOUR, World, issued};

const SHORT: Duration = Duration::from_millis(20);

/// An engine on a living runtime, and an account whose token has expired.
fn engine(options: Options) -> (Runtime, World, Account) {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let world = runtime.block_on(async {
        let world = World::amiqus();
        world.connected().await;
        world
    });
    world.clock.advance(HOUR);
    let engine = world.builder().options(options);
    let engine = engine.runtime(runtime.handle().clone()).build().unwrap();
    let account = world.account_of(&engine);
    (runtime, world, account)
}

/// Asks for a token under a time-out, in a runtime that ends with the call.
fn asked_briefly(account: &Account) -> Option<Result<Token, Error>> {
    let account = account.clone();
    let caller = std::thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { timeout(SHORT, account.token()).await.ok() })
    });
    caller.join().unwrap()
}

/// Asks for a token in a runtime without timers.
fn asked_without_timers(account: &Account) -> Result<Token, Error> {
    let account = account.clone();
    let caller = std::thread::spawn(move || {
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(account.token())
    });
    caller.join().expect("the caller does not panic")
}

/// Waits until the store has the second token set, without a call that could refresh.
async fn is_written(world: &World) -> bool {
    let there = world.elsewhere();
    for _ in 0..200 {
        if connection(&there).await.generation == 2 {
            return true;
        }
        sleep(Duration::from_millis(5)).await;
    }
    false
}

#[test]
fn a_callers_runtime_that_ends_takes_no_answer_with_it() {
    let (runtime, world, account) = engine(Options::default());
    let gate = world.emulator.faults().hold_answers(Endpoint::Token);
    assert!(asked_briefly(&account).is_none());
    runtime.block_on(async {
        gate.release();
        assert!(is_written(&world).await);
        assert_eq!(world.call(&account).await, 200);
    });
    assert_eq!(world.token_requests(), 1);
}

#[test]
fn a_callers_runtime_that_ends_takes_no_waiter_with_it() {
    let (runtime, world, account) = engine(Options::default());
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let first = std::thread::spawn({
        let account = account.clone();
        move || asked_briefly(&account)
    });
    // It is the first caller's refresh that the second one waits for.
    runtime.block_on(gate.arrived(1));
    let waiting = runtime.spawn({
        let account = account.clone();
        async move { account.token().await }
    });
    assert!(first.join().unwrap().is_none());
    gate.release();
    let token = runtime.block_on(waiting).unwrap();
    assert_eq!(token.unwrap().generation(), 2);
    assert_eq!(world.token_requests(), 1);
}

#[test]
fn what_a_store_did_not_take_is_written_without_a_call() {
    let options = Options::new().store_retry_interval(Duration::from_millis(10));
    let (runtime, world, account) = engine(options);
    runtime.block_on(account.status()).unwrap();
    // The attempt is written, its result is not.
    world.store.fail_after(1, usize::MAX, Fault::ReadOnly);
    let _ = asked_briefly(&account);
    runtime.block_on(async {
        while world.token_requests() == 0 {
            sleep(Duration::from_millis(1)).await;
        }
    });
    world.store.recover();
    assert!(runtime.block_on(is_written(&world)));
    assert_eq!(world.token_requests(), 1);
}

#[test]
fn a_callers_runtime_needs_no_timers() {
    let (runtime, world, account) = engine(Options::default());
    assert_eq!(asked_without_timers(&account).unwrap().generation(), 2);
    assert_eq!(asked_without_timers(&account).unwrap().generation(), 2);
    assert_eq!(runtime.block_on(world.call(&account)), 200);
    assert_eq!(world.token_requests(), 1);
}

#[test]
fn a_wait_without_timers_ends_too() {
    let options = Options::new().acquire_timeout(SHORT);
    let (_runtime, world, account) = engine(options);
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let error = asked_without_timers(&account).unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    gate.release();
}

#[test]
fn an_engine_that_is_built_outside_of_any_runtime_works() {
    let (runtime, world, _) = engine(Options::default());
    let account = world.account_of(&world.builder().build().unwrap());
    let tokens = issued(&world.emulator);
    let expected = tokens.access_token.expose().to_owned();
    let caller = std::thread::spawn({
        let account = account.clone();
        move || {
            let runtime = Builder::new_current_thread().build().unwrap();
            runtime.block_on(account.adopt(tokens))
        }
    });
    caller.join().unwrap().unwrap();
    world.clock.advance(HOUR);
    let _ = asked_briefly(&account);
    assert_ne!(asked_without_timers(&account).unwrap().expose(), expected);
    assert_eq!(runtime.block_on(world.call(&account)), 200);
}
