//! Single flight: one refresh for all callers, their waits, and refreshes ahead of expiry.

use std::time::Duration;

use tokenkeeper_emulator::{Emulator, Endpoint, Fault as EndpointFault};
use tokenkeeper_engine::{Error, EventKind, Options, TokenSource};

use crate::harness::{
    HOUR, World, amiqus, assert_err, call_api_with, credential, drain_events, join_after_release,
    login, qics, retry_after, seconds, settle, spawn_refresh, spawn_token,
};

#[tokio::test(start_paused = true)]
async fn an_expired_token_is_refreshed_in_two_round_trips() {
    let (world, account) = World::amiqus().expired().await;
    // Within the revalidation interval the newest record is known.
    account.status().await.unwrap();
    world.store.reset_counts();
    assert_eq!(world.call_api(&account).await, 200);
    assert_eq!(world.token_requests(), 1);
    assert_eq!(world.store.round_trips(), 2);
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_tasks_make_one_token_request() {
    let (world, account) = World::amiqus().expired().await;
    world.emulator.faults().always(
        Endpoint::Token,
        EndpointFault::Delay(Duration::from_millis(50)),
    );
    let tasks: Vec<_> = (0..10_000)
        .map(|_| {
            let account = account.clone();
            tokio::spawn(async move { credential(&account).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(world.token_requests(), 1);
    assert_eq!(world.emulator.counters().max_concurrent_presentations, 1);
}

#[tokio::test(start_paused = true)]
async fn a_503_costs_one_request_for_all_waiters() {
    let (world, account) = World::amiqus().expired().await;
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let unavailable = EndpointFault::Unavailable {
        retry_after: Some(7),
    };
    world.emulator.faults().always(Endpoint::Token, unavailable);
    let tasks: Vec<_> = (0..1000).map(|_| spawn_token(&account)).collect();
    for result in join_after_release(gate, tasks).await {
        let retry_after = retry_after(&result.unwrap_err());
        assert!(retry_after >= seconds(6), "{retry_after:?}");
    }
    assert_eq!(world.token_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn aborting_the_first_caller_fails_no_other() {
    let (world, account) = World::amiqus().expired().await;
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let first = spawn_token(&account);
    gate.arrived(1).await;
    let others: Vec<_> = (0..100).map(|_| spawn_token(&account)).collect();
    settle().await;
    first.abort();
    gate.release();
    for other in others {
        other.await.unwrap().unwrap();
    }
    assert_eq!(world.token_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stale_token_is_served_and_refreshed_in_the_background() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    // The stale window is at most five minutes, and its jitter half of that.
    world.advance(HOUR - seconds(100)).await;
    account.status().await.unwrap();
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let old = account.try_credential(true).expect("it is served");
    gate.arrived(1).await;
    assert!(
        account.try_credential(true).is_some(),
        "a replayable request is served"
    );
    assert!(
        account.try_credential(false).is_none(),
        "a refresh may invalidate the old token: a request that cannot be replayed waits"
    );
    gate.release();
    let new = TokenSource::credential(&account, false).await.unwrap();
    assert_ne!(old, new);
    assert_eq!(world.token_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_fresh_token_is_served_without_any_call() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    world.store.reset_counts();
    for _ in 0..50 {
        world.advance(seconds(1)).await;
        assert_eq!(world.call_api(&account).await, 200);
    }
    assert_eq!(world.token_requests(), 0);
    assert_eq!(world.store.round_trips(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_failing_early_refresh_serves_the_old_token() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    world.advance(HOUR - seconds(100)).await;
    account.status().await.unwrap();
    let fault = EndpointFault::Unavailable { retry_after: None };
    world.emulator.faults().always(Endpoint::Token, fault);
    for _ in 0..90 {
        assert_eq!(world.call_api(&account).await, 200);
        settle().await;
        world.advance(seconds(1)).await;
    }
    let requests = world.token_requests();
    assert!((2..=12).contains(&requests), "{requests} token requests");
}

#[tokio::test(start_paused = true)]
async fn i14_no_early_refresh_comes_before_the_floor() {
    let emulator = Emulator::amiqus().access_token_lifetime(seconds(40));
    let world = World::new(emulator, amiqus(), Options::default());
    let account = world.connect_account().await;
    // The floor is at most half of the refresh token's lifetime, which equals the access token's.
    for second in 1..20 {
        world.advance(seconds(1)).await;
        assert!(account.try_credential(true).is_some());
        settle().await;
        assert_eq!(world.token_requests(), 0, "after {second} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_back_does_not_make_an_expired_token_fresh() {
    let (world, account) = World::amiqus().expired().await;
    world.clock.jump_back(2 * HOUR);
    assert!(account.try_credential(true).is_none());
    account.token().await.unwrap();
    assert_eq!(world.token_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn time_during_system_sleep_counts() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    world.clock.jump_ahead(2 * HOUR);
    world.advance(seconds(2)).await;
    assert!(account.try_credential(true).is_none());
}

#[tokio::test(start_paused = true)]
async fn explicit_refreshes_share_one_request() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    let mut events = world.accounts.events();
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let tasks: Vec<_> = (0..10).map(|_| spawn_refresh(&account)).collect();
    for result in join_after_release(gate, tasks).await {
        assert_eq!(result.unwrap().generation(), 2);
    }
    assert_eq!(world.token_requests(), 1);
    assert!(drain_events(&mut events).contains(&EventKind::Refreshed { generation: 2 }));
}

#[tokio::test(start_paused = true)]
async fn a_caller_times_out_and_the_refresh_continues() {
    let options = Options::new().acquire_timeout(seconds(2));
    let (world, account) = World::amiqus_with(options).expired().await;
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let waiting = spawn_token(&account);
    gate.arrived(1).await;
    assert_err!(waiting.await.unwrap(), Error::Timeout { .. });
    gate.release();
    settle().await;
    assert!(account.try_credential(true).is_some());
    assert_eq!(world.token_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_account_is_not_connected() {
    let world = World::amiqus();
    assert_err!(world.account().token().await, Error::NotConnected { .. });
    assert!(world.accounts.account("unknown", "u").is_err());
    assert!(world.accounts.account("amiqus", "").is_err());
    assert_eq!(world.token_requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn q12_after_a_refresh_only_the_new_tokens_work() {
    let world = World::new(Emulator::qics(), qics(), Options::default());
    let account = world.accounts.account("qics-milestones", "u").unwrap();
    login(&world.emulator, &account).await.unwrap();
    let old = credential(&account).await;
    account.refresh().await.unwrap();
    let new = credential(&account).await;
    assert_eq!(call_api_with(&world.emulator, &old).await, 401);
    assert_eq!(call_api_with(&world.emulator, &new).await, 200);
    // The next refresh presents the new refresh token.
    account.refresh().await.unwrap();
    assert_eq!(world.emulator.counters().presented_after_answer(), 0);
}

#[tokio::test(start_paused = true)]
async fn requests_wait_for_the_write_once_the_old_token_is_invalid() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let refresh = spawn_refresh(&account);
    gate.arrived(1).await;
    // The server may be processing the refresh: only a replayable request takes the old token.
    assert!(account.try_credential(false).is_none());
    assert!(account.try_credential(true).is_some());
    // The answer has arrived and the old token is invalid while the result is being written.
    world.store.hold_next_put();
    gate.release();
    settle().await;
    assert!(account.try_credential(false).is_none());
    assert!(account.try_credential(true).is_none());
    world.store.release();
    refresh.await.unwrap().unwrap();
    assert!(account.try_credential(false).is_some());
}
