//! Cancel safety: a caller is dropped after each of its polls, which only ends its wait.

#![allow(
    clippy::async_yields_async,
    reason = "each case hands out a call that is polled by hand"
)]

use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};

use tokenkeeper_engine::{Account, Error, protocol::Redirect};

use crate::harness::{HOUR, World, approve, issue_tokens, seconds, settle, spawn_refresh};

type Call = Pin<Box<dyn Future<Output = Result<(), Error>>>>;

/// Polls `call` up to `polls` times, yields after each poll, and drops it. Returns whether it
/// completed.
async fn drop_after(polls: usize, mut call: Call) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..polls {
        if let Poll::Ready(result) = call.as_mut().poll(&mut context) {
            result.unwrap();
            return true;
        }
        tokio::task::yield_now().await;
    }
    false
}

/// Repeats a call in a new world, dropped after one more poll each time, until it completes.
async fn at_every_poll(
    connected: bool,
    call: impl AsyncFn(&World, &Account) -> Call,
    check: impl AsyncFn(&World, &Account, bool),
) {
    for polls in 0.. {
        assert!(polls < 1000, "the call never ends");
        let world = World::amiqus();
        let account = match connected {
            true => world.connect_account().await,
            false => world.account(),
        };
        let call = call(&world, &account).await;
        world.emulator.reset_counters();
        let done = drop_after(polls, call).await;
        settle().await;
        check(&world, &account, polls > 0).await;
        assert_eq!(world.emulator.counters().presented_after_answer(), 0);
        if done {
            assert!(polls > 1, "the call can be interrupted");
            return;
        }
    }
}

/// Checks that this process and another one serve a valid token.
async fn assert_served_by_all(world: &World, account: &Account) {
    for account in [account, &world.account_elsewhere()] {
        assert_eq!(world.call_api(account).await, 200);
    }
}

/// Boxes a call on an account that owns its handle.
fn owned<F>(account: &Account, call: impl FnOnce(Account) -> F) -> Call
where
    F: Future<Output = Result<(), Error>> + 'static,
{
    Box::pin(call(account.clone()))
}

#[tokio::test(start_paused = true)]
async fn dropping_a_call_for_a_token() {
    at_every_poll(
        true,
        async |world, account| {
            world.advance(HOUR).await;
            owned(account, async |account| account.token().await.map(drop))
        },
        async |world, account, begun| {
            assert_eq!(world.token_requests(), u64::from(begun));
            assert_eq!(account.token().await.unwrap().generation(), 2);
            assert_eq!(world.token_requests(), 1);
            assert_eq!(world.generation_elsewhere().await, 2);
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn dropping_a_refresh() {
    at_every_poll(
        true,
        async |_, account| owned(account, async |account| account.refresh().await.map(drop)),
        async |world, account, begun| {
            assert_eq!(world.token_requests(), u64::from(begun));
            let generation = account.token().await.unwrap().generation();
            assert_eq!(generation, 1 + u64::from(begun));
            assert_eq!(world.call_api(&world.account_elsewhere()).await, 200);
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn dropping_a_login() {
    at_every_poll(
        false,
        async |world, account| {
            let start = account.connect().unwrap();
            let redirect: Redirect = approve(&world.emulator, start.url.as_str()).await;
            owned(account, async |account| {
                let finish = tokenkeeper_engine::Accounts::from(&account)
                    .finish(start.flow, redirect)
                    .await;
                finish.map(drop)
            })
        },
        async |world, account, begun| {
            assert_eq!(world.emulator.counters().exchanges(), u64::from(begun));
            if begun {
                assert_served_by_all(world, account).await;
            }
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn dropping_an_adoption() {
    at_every_poll(
        false,
        async |world, account| {
            let tokens = issue_tokens(&world.emulator);
            owned(account, async |account| account.adopt(tokens).await)
        },
        async |world, account, begun| {
            if begun {
                assert_served_by_all(world, account).await;
            }
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn dropping_a_disconnect() {
    at_every_poll(
        true,
        async |_, account| owned(account, async |account| account.disconnect().await),
        async |world, account, begun| {
            for account in [account, &world.account_elsewhere()] {
                let refused = matches!(account.token().await, Err(Error::Disconnected { .. }));
                assert_eq!(refused, begun);
            }
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_timeout_or_an_abort_of_the_caller_loses_nothing() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    let gate = world
        .emulator
        .faults()
        .hold(tokenkeeper_emulator::Endpoint::Token);
    let late = tokio::time::timeout(seconds(1), account.refresh()).await;
    assert!(late.is_err());
    let aborted = spawn_refresh(&account);
    settle().await;
    aborted.abort();
    gate.release();
    settle().await;
    assert_eq!(account.token().await.unwrap().generation(), 2);
    assert_eq!(world.token_requests(), 1);
    assert_eq!(world.generation_elsewhere().await, 2);
}
