//! The ends that token responses state, and those that they leave open.

use std::time::{Duration, UNIX_EPOCH};

use tokenkeeper_emulator::{Emulator, Endpoint, Fault};
use tokenkeeper_engine::{
    Account, Cause, Error, EventKind, Options,
    protocol::{Dialect, TokenSet},
};

use crate::harness::{
    HOUR, MINUTE, World, assert_err, cause, connection, drain_events, issue_tokens, login, plain,
    seconds, settle,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A plain provider whose access tokens live for `access`.
fn world(access: Duration, change: impl FnOnce(&mut Dialect)) -> World {
    let emulator = Emulator::plain().access_token_lifetime(access);
    World::new(emulator, plain(change), Options::default())
}

fn always(world: &World, fault: Fault) {
    world.emulator.faults().always(Endpoint::Token, fault);
}

fn without(name: &str) -> Fault {
    Fault::Without(name.to_owned())
}

/// Runs a refresher of another process for `time`, and returns how many refreshes it made.
async fn refreshes_within(world: &World, time: Duration) -> u64 {
    let before = world.token_requests();
    let refresher = world.another_process().refresher().scan_interval(MINUTE);
    let work = refresher.run(tokio::time::sleep(time)).await;
    work.unwrap();
    world.token_requests() - before
}

/// Returns when the store lists the account as due, counted from its issue.
async fn due_in(world: &World, account: &Account) -> Duration {
    let issued = world.store.record(&account.key()).await;
    let issued = &issued["state"]["live"]["tokens"]["tokens"]["issued_at"];
    let due = world.store.entry(&account.key()).await.unwrap().due;
    let due = due.expect("it is due some time").duration_since(UNIX_EPOCH);
    due.unwrap() - Duration::from_millis(issued.as_u64().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_stated_end_of_the_refresh_token_is_shown_and_met() {
    let world = world(365 * DAY, |_| ());
    always(&world, Fault::field("refresh_expires_in", 10 * 86_400));
    let account = world.connect_account().await;
    let shown = connection(&account).await;
    let ends = world.emulator.now() + 10 * DAY;
    assert!(shown.has_refresh_token);
    assert_eq!(shown.refresh_expires_at, Some(ends));
    let entry = world.store.entry(&account.key()).await.unwrap();
    assert!(entry.keep_until.unwrap() > ends + DAY);
    assert!(due_in(&world, &account).await <= 5 * DAY);
    assert_eq!(refreshes_within(&world, 5 * DAY).await, 1);
    assert!(connection(&account).await.refresh_expires_at > Some(ends));
}

#[tokio::test(start_paused = true)]
async fn a_use_meets_a_stated_end_of_the_refresh_token() {
    let world = world(365 * DAY, |_| ());
    always(
        &world,
        Fault::field("refresh_token_expires_in", 10 * 86_400),
    );
    let account = world.connect_account().await;
    for (days, requests) in [(4, 0), (2, 1)] {
        world.advance(days * DAY).await;
        account.token().await.unwrap();
        settle().await;
        assert_eq!(world.token_requests(), requests);
    }
}

#[tokio::test(start_paused = true)]
async fn a_kept_refresh_token_keeps_its_end() {
    let world = world(HOUR, |_| ());
    let faults = world.emulator.faults();
    let ends = Fault::field("refresh_expires_in", 10 * 86_400);
    faults.once(Endpoint::Token, ends);
    let account = world.connect_account().await;
    let stated = connection(&account).await.refresh_expires_at;
    assert!(stated.is_some());
    world.advance(DAY).await;
    faults.once(Endpoint::Token, without("refresh_token"));
    account.refresh().await.unwrap();
    assert_eq!(connection(&account).await.refresh_expires_at, stated);
}

#[tokio::test(start_paused = true)]
async fn an_end_that_no_refresh_moves_costs_few_refreshes() {
    let world = world(365 * DAY, |_| ());
    let mut tokens = issue_tokens(&world.emulator);
    tokens.refresh_expires_at = Some(world.emulator.now() + 10 * DAY);
    always(&world, without("refresh_token"));
    world.account().adopt(tokens).await.unwrap();
    let refreshes = refreshes_within(&world, 11 * DAY).await;
    assert!((1..=20).contains(&refreshes), "{refreshes}");
}

#[tokio::test(start_paused = true)]
async fn tokens_without_a_known_end_are_refreshed_once_a_week() {
    let world = world(365 * DAY, |_| ());
    always(&world, without("expires_in"));
    let account = world.connect_account().await;
    assert!(due_in(&world, &account).await <= 7 * DAY);
    let refreshes = refreshes_within(&world, 28 * DAY).await;
    assert!((3..=6).contains(&refreshes), "{refreshes}");
    // A use does not refresh them.
    world.advance(HOUR).await;
    account.token().await.unwrap();
    settle().await;
    assert_eq!(world.token_requests(), refreshes);
}

#[tokio::test(start_paused = true)]
async fn tokens_that_cannot_be_refreshed_are_never_due() {
    let world = world(365 * DAY, |_| ());
    let account = world.account();
    account.adopt(TokenSet::new("access-1")).await.unwrap();
    let entry = world.store.entry(&account.key()).await.unwrap();
    assert_eq!(entry.due, None);
}

#[tokio::test(start_paused = true)]
async fn a_lifetime_of_the_dialect_counts_where_none_is_stated() {
    let world = world(2 * HOUR, |dialect| {
        dialect.response.lifetime_when_absent = Some(7200);
    });
    always(&world, without("expires_in"));
    let account = world.connect_account().await;
    let expires_at = connection(&account).await.expires_at;
    assert_eq!(expires_at, Some(world.emulator.now() + 2 * HOUR));
    assert!(due_in(&world, &account).await < 2 * HOUR);
    assert!(refreshes_within(&world, 24 * HOUR).await >= 12);
    assert_eq!(world.call_api(&account).await, 200);
}

#[tokio::test(start_paused = true)]
async fn no_refresh_comes_before_the_provider_takes_it() {
    let world = world(10 * MINUTE, |dialect| dialect.refresh.not_before = Some(30));
    let account = world.connect_account().await;
    assert_eq!(due_in(&world, &account).await, seconds(570));
    world.advance(seconds(569)).await;
    account.token().await.unwrap();
    settle().await;
    assert_eq!(world.token_requests(), 0);
    // With the most jitter, the stale window is half of that.
    world.advance(seconds(16)).await;
    account.token().await.unwrap();
    settle().await;
    assert_eq!(world.token_requests(), 1);
    assert_eq!(due_in(&world, &account).await, seconds(570));
    assert_eq!(refreshes_within(&world, seconds(565)).await, 0);
    assert_eq!(refreshes_within(&world, seconds(130)).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_new_login_without_a_refresh_token_says_so_once() {
    let world = World::plain();
    let mut events = world.accounts.events();
    let told = |events: Vec<EventKind>| {
        let kinds = events.iter();
        kinds
            .filter(|kind| **kind == EventKind::NoRefreshToken)
            .count()
    };
    let account = world.connect_account().await;
    assert!(connection(&account).await.has_refresh_token);
    assert_eq!(told(drain_events(&mut events)), 0);

    let faults = world.emulator.faults();
    faults.once(Endpoint::Token, without("refresh_token"));
    login(&world.emulator, &account).await.unwrap();
    assert_eq!(told(drain_events(&mut events)), 1);
    let shown = connection(&account).await;
    assert!(!shown.has_refresh_token && shown.reauthorize.is_none());
    assert!(
        !connection(&world.account_elsewhere())
            .await
            .has_refresh_token
    );
    assert_eq!(world.call_api(&account).await, 200);

    // The refresh token of the earlier login is not presented.
    world.emulator.reset_counters();
    world.advance(HOUR).await;
    let error = assert_err!(account.token().await, Error::ReauthorizationRequired { .. });
    assert_eq!(*cause(&error), Cause::NoRefreshToken);
    let shown = connection(&account).await;
    assert_eq!(shown.reauthorize, Some(Cause::NoRefreshToken));
    assert_eq!(world.token_requests(), 0);
    assert_eq!(told(drain_events(&mut events)), 0);
}

#[tokio::test(start_paused = true)]
async fn a_first_login_without_a_refresh_token_is_no_news() {
    let world = World::plain();
    let mut events = world.accounts.events();
    let faults = world.emulator.faults();
    faults.always(Endpoint::Token, without("refresh_token"));
    let account = world.connect_account().await;
    assert!(!connection(&account).await.has_refresh_token);
    login(&world.emulator, &account).await.unwrap();
    assert!(!drain_events(&mut events).contains(&EventKind::NoRefreshToken));
}
