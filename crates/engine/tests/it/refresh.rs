//! One refresh for all, the claim, the wait, and when a token is stale.

use std::time::Duration;

use tokenkeeper_emulator::{Endpoint, Fault as Broken};
use tokenkeeper_engine::{Error, EventKind, Options, TokenSource};

use crate::harness::{HOUR, World, drain, settle};

#[tokio::test(start_paused = true)]
async fn an_expired_token_is_refreshed_in_two_round_trips() {
    let world = World::amiqus();
    let account = world.connected().await;
    world.pass(HOUR).await;
    // Within the interval of revalidation the newest record is known.
    account.status().await.unwrap();
    world.store.reset_counts();
    assert_eq!(world.call(&account).await, 200);
    assert_eq!(world.token_requests(), 1);
    assert_eq!(world.store.round_trips(), 2);
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_tasks_on_an_expired_token_make_one_token_request() {
    let world = World::amiqus();
    let account = world.connected().await;
    world.pass(HOUR).await;
    world
        .emulator
        .faults()
        .always(Endpoint::Token, Broken::Delay(Duration::from_millis(50)));
    let tasks: Vec<_> = (0..10_000)
        .map(|_| {
            let account = account.clone();
            tokio::spawn(async move { TokenSource::credential(&account, true).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(world.token_requests(), 1);
    assert_eq!(world.emulator.counters().max_concurrent_presentations, 1);
}

#[tokio::test(start_paused = true)]
async fn a_503_is_one_request_for_all_who_wait() {
    let world = World::amiqus();
    let account = world.connected().await;
    world.pass(HOUR).await;
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let unavailable = Broken::Unavailable {
        retry_after: Some(7),
    };
    world.emulator.faults().always(Endpoint::Token, unavailable);
    let tasks: Vec<_> = (0..1000)
        .map(|_| {
            let account = account.clone();
            tokio::spawn(async move { account.token().await })
        })
        .collect();
    gate.arrived(1).await;
    settle().await;
    gate.release();
    for task in tasks {
        let error = task.await.unwrap().unwrap_err();
        let Error::Unavailable { retry_after, .. } = error else {
            panic!("{error:?}");
        };
        assert!(retry_after >= Duration::from_secs(6), "{retry_after:?}");
    }
    assert_eq!(world.token_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_refreshing_caller_may_go_away_and_nobody_fails() {
    let world = World::amiqus();
    let account = world.connected().await;
    world.pass(HOUR).await;
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let spawn = || {
        let account = account.clone();
        tokio::spawn(async move { account.token().await })
    };
    let first = spawn();
    gate.arrived(1).await;
    let others: Vec<_> = (0..100).map(|_| spawn()).collect();
    settle().await;
    first.abort();
    gate.release();
    for other in others {
        other.await.unwrap().unwrap();
    }
    assert_eq!(world.token_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stale_token_is_served_and_refreshed_behind_the_callers_back() {
    let world = World::amiqus();
    let account = world.connected().await;
    // The window is five minutes at most, its jitter half of that.
    world.pass(HOUR - Duration::from_secs(100)).await;
    account.status().await.unwrap();
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let old = account.try_credential(true).expect("it is served");
    gate.arrived(1).await;
    assert!(
        account.try_credential(true).is_some(),
        "a replayable request goes on"
    );
    assert!(
        account.try_credential(false).is_none(),
        "the old token dies at the refresh: a request that cannot be replayed waits"
    );
    gate.release();
    let new = TokenSource::credential(&account, false).await.unwrap();
    assert_ne!(old, new);
    assert_eq!(world.token_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_fresh_token_leads_to_no_call_at_all() {
    let world = World::amiqus();
    let account = world.connected().await;
    world.store.reset_counts();
    for _ in 0..50 {
        world.pass(Duration::from_secs(1)).await;
        assert_eq!(world.call(&account).await, 200);
    }
    assert_eq!(world.token_requests(), 0);
    assert_eq!(world.store.round_trips(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_failing_refresh_ahead_of_expiry_serves_the_old_token_and_backs_off() {
    let world = World::amiqus();
    let account = world.connected().await;
    world.pass(HOUR - Duration::from_secs(100)).await;
    account.status().await.unwrap();
    let fault = Broken::Unavailable { retry_after: None };
    world.emulator.faults().always(Endpoint::Token, fault);
    for _ in 0..90 {
        assert_eq!(world.call(&account).await, 200);
        settle().await;
        world.pass(Duration::from_secs(1)).await;
    }
    let requests = world.token_requests();
    assert!((2..=12).contains(&requests), "{requests} token requests");
}

#[tokio::test(start_paused = true)]
async fn i14_no_refresh_ahead_of_expiry_comes_sooner_than_the_floor() {
    let emulator =
        tokenkeeper_emulator::Emulator::amiqus().access_token_lifetime(Duration::from_secs(40));
    let world = World::new(emulator, crate::harness::amiqus(), Options::default());
    let account = world.connected().await;
    // At most half of the refresh token's life, which is as long as the access token's.
    for second in 1..20 {
        world.pass(Duration::from_secs(1)).await;
        assert!(account.try_credential(true).is_some());
        settle().await;
        assert_eq!(world.token_requests(), 0, "after {second} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_back_does_not_make_an_expired_token_fresh() {
    let world = World::amiqus();
    let account = world.connected().await;
    world.pass(HOUR).await;
    world.clock.jump_back(2 * HOUR);
    assert!(account.try_credential(true).is_none());
    account.token().await.unwrap();
    assert_eq!(world.token_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn time_slept_through_counts() {
    let world = World::amiqus();
    let account = world.connected().await;
    world.clock.jump_ahead(2 * HOUR);
    world.pass(Duration::from_secs(2)).await;
    assert!(account.try_credential(true).is_none());
}

#[tokio::test(start_paused = true)]
async fn refresh_on_demand_replaces_a_fresh_token_once_for_all_who_ask() {
    let world = World::amiqus();
    let account = world.connected().await;
    let mut events = world.accounts.events();
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let tasks: Vec<_> = (0..10)
        .map(|_| {
            let account = account.clone();
            tokio::spawn(async move { account.refresh().await })
        })
        .collect();
    gate.arrived(1).await;
    settle().await;
    gate.release();
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap().generation(), 2);
    }
    assert_eq!(world.token_requests(), 1);
    assert!(drain(&mut events).contains(&EventKind::Refreshed { generation: 2 }));
}

#[tokio::test(start_paused = true)]
async fn a_caller_waits_for_a_bounded_time_and_the_refresh_goes_on() {
    let options = Options::new().acquire_timeout(Duration::from_secs(2));
    let world = World::amiqus_with(options);
    let account = world.connected().await;
    world.pass(HOUR).await;
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let waiting = tokio::spawn({
        let account = account.clone();
        async move { account.token().await }
    });
    gate.arrived(1).await;
    let error = waiting.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    gate.release();
    settle().await;
    assert!(account.try_credential(true).is_some());
    assert_eq!(world.token_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_does_not_exist_is_not_connected() {
    let world = World::amiqus();
    let error = world.account().token().await.unwrap_err();
    assert!(matches!(error, Error::NotConnected { .. }), "{error:?}");
    assert!(world.accounts.account("nobody", "u").is_err());
    assert!(world.accounts.account("amiqus", "").is_err());
    assert_eq!(world.token_requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn q12_after_a_refresh_only_the_new_tokens_work() {
    use tokenkeeper_provider_qics_milestones::QicsMilestones;

    use crate::harness::{BASE, call_with, registration};

    let qics = QicsMilestones::new(registration()).unwrap();
    let qics = qics.base(BASE).unwrap();
    let emulator = tokenkeeper_emulator::Emulator::qics();
    let world = World::new(emulator, qics, Options::default());
    let account = world.accounts.account("qics-milestones", "u").unwrap();
    crate::harness::login(&world.emulator, &account)
        .await
        .unwrap();
    let old = TokenSource::credential(&account, true).await.unwrap();
    account.refresh().await.unwrap();
    let new = TokenSource::credential(&account, true).await.unwrap();
    assert_eq!(call_with(&world.emulator, &old).await, 401);
    assert_eq!(call_with(&world.emulator, &new).await, 200);
    // The next refresh presents the new refresh token, not the old one again.
    account.refresh().await.unwrap();
    assert_eq!(world.emulator.counters().presented_after_answer(), 0);
}

#[tokio::test(start_paused = true)]
async fn requests_wait_for_the_write_once_the_old_token_is_dead() {
    let world = World::amiqus();
    let account = world.connected().await;
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let refresh = tokio::spawn({
        let account = account.clone();
        async move { account.refresh().await }
    });
    gate.arrived(1).await;
    // The server may be at it: a request that can be replayed takes the old token.
    assert!(account.try_credential(false).is_none());
    assert!(account.try_credential(true).is_some());
    // The answer is there, and the old token dead, while the result is being written.
    world.store.hold_next_put();
    gate.release();
    settle().await;
    assert!(account.try_credential(false).is_none());
    assert!(account.try_credential(true).is_none());
    world.store.let_go();
    refresh.await.unwrap().unwrap();
    assert!(account.try_credential(false).is_some());
}
