//! Callers on short-lived runtimes or on runtimes without timers.

use std::time::Duration;

use tokenkeeper_emulator::Endpoint;
use tokenkeeper_engine::{Account, Error, Options, Token};
use tokio::{
    runtime::{Builder, Runtime},
    time::{sleep, timeout},
};

use crate::harness::{HOUR, StoreFault, World, assert_err, connection, issue_tokens};

const SHORT: Duration = Duration::from_millis(20);

/// Returns an engine on its own runtime, and an account whose token has expired.
fn engine(options: Options) -> (Runtime, World, Account) {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let world = runtime.block_on(async {
        let world = World::amiqus();
        world.connect_account().await;
        world
    });
    world.clock.advance(HOUR);
    let engine = world.builder().options(options);
    let engine = engine.runtime(runtime.handle().clone()).build().unwrap();
    let account = world.account_of(&engine);
    (runtime, world, account)
}

/// Asks for a token on a runtime that ends with the call, which is dropped at `end`.
fn asked_until(account: &Account, end: impl Future<Output = ()> + Send) -> bool {
    let ask = || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            tokio::select! {
                _ = account.token() => true,
                () = end => false,
            }
        })
    };
    std::thread::scope(|scope| scope.spawn(ask).join().unwrap())
}

/// Waits until the provider has a token request.
async fn requested(world: &World) {
    while world.token_requests() == 0 {
        sleep(Duration::from_millis(1)).await;
    }
}

/// Asks for a token on a runtime without timers.
fn asked_without_timers(account: &Account) -> Result<Token, Error> {
    let account = account.clone();
    let caller = std::thread::spawn(move || {
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(account.token())
    });
    caller.join().expect("the caller does not panic")
}

/// Waits until the store has the second token set, without a call that could start a refresh.
async fn is_written(world: &World) -> bool {
    let there = world.account_elsewhere();
    let written = async {
        while connection(&there).await.generation < 2 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(60), written).await.is_ok()
}

#[test]
fn the_end_of_a_callers_runtime_loses_no_answer() {
    let (runtime, world, account) = engine(Options::default());
    let gate = world.emulator.faults().hold_answers(Endpoint::Token);
    assert!(!asked_until(&account, gate.arrived(1)));
    runtime.block_on(async {
        gate.release();
        assert!(is_written(&world).await);
        assert_eq!(world.call_api(&account).await, 200);
    });
    assert_eq!(world.token_requests(), 1);
}

#[test]
fn the_end_of_a_callers_runtime_loses_no_waiter() {
    let (runtime, world, account) = engine(Options::default());
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let (waits, is_waiting) = tokio::sync::oneshot::channel();
    // The second caller waits for the refresh of the first.
    let waiting = runtime.spawn({
        let account = account.clone();
        async move {
            let _: () = is_waiting.await.unwrap();
            account.token().await
        }
    });
    let end = async {
        gate.arrived(1).await;
        waits.send(()).unwrap();
        // It is on another thread, so this only makes it likely to wait by now.
        sleep(SHORT).await;
    };
    assert!(!asked_until(&account, end));
    gate.release();
    let token = runtime.block_on(waiting).unwrap();
    assert_eq!(token.unwrap().generation(), 2);
    assert_eq!(world.token_requests(), 1);
}

#[test]
fn unwritten_tokens_are_written_without_a_call() {
    let options = Options::new().store_retry_interval(Duration::from_millis(10));
    let (runtime, world, account) = engine(options);
    runtime.block_on(account.status()).unwrap();
    // The attempt is written, and its result is not.
    world.store.fail_after(1, usize::MAX, StoreFault::ReadOnly);
    asked_until(&account, requested(&world));
    world.store.recover();
    assert!(runtime.block_on(is_written(&world)));
    assert_eq!(world.token_requests(), 1);
}

#[test]
fn a_callers_runtime_needs_no_timers() {
    let (runtime, world, account) = engine(Options::default());
    assert_eq!(asked_without_timers(&account).unwrap().generation(), 2);
    assert_eq!(asked_without_timers(&account).unwrap().generation(), 2);
    assert_eq!(runtime.block_on(world.call_api(&account)), 200);
    assert_eq!(world.token_requests(), 1);
}

#[test]
fn a_wait_without_timers_times_out() {
    let options = Options::new().acquire_timeout(SHORT);
    let (_runtime, world, account) = engine(options);
    let gate = world.emulator.faults().hold(Endpoint::Token);
    assert_err!(asked_without_timers(&account), Error::Timeout { .. });
    gate.release();
}

#[test]
fn an_engine_built_outside_any_runtime_works() {
    let (runtime, world, _) = engine(Options::default());
    let account = world.account_of(&world.builder().build().unwrap());
    let tokens = issue_tokens(&world.emulator);
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
    asked_until(&account, async { sleep(SHORT).await });
    assert_ne!(asked_without_timers(&account).unwrap().expose(), expected);
    assert_eq!(runtime.block_on(world.call_api(&account)), 200);
}
