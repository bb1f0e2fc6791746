//! What an outage writes into the log: its beginning and its end.

use std::time::Duration;

use futures_util::StreamExt as _;
use tokenkeeper_emulator::{DEFAULT_USER, Endpoint, Fault as EndpointFault};
use tokenkeeper_engine::{Account, Options, protocol::TokenSet};
use tokenkeeper_test_support::{
    HOUR, StoreFault, World,
    log::{self, assert_one_line, assert_one_such_line, take_lines},
    login, seconds, settle, spawn_refresh, spawn_token,
};

/// Connects 100 accounts that are used in turn.
async fn connected(world: &World) -> Vec<Account> {
    let mut all = Vec::new();
    for user in 0..100 {
        let account = world.accounts.account("amiqus", &format!("user-{user}"));
        let account = account.unwrap();
        login(&world.emulator, &account).await.unwrap();
        all.push(account);
    }
    all
}

#[tokio::test(start_paused = true)]
async fn a_store_outage_is_logged_twice_for_all_accounts() {
    log::start();
    let world = World::without_notifications(Options::default());
    let all = connected(&world).await;
    take_lines();
    for (fault, cause) in [
        (StoreFault::Refuse, "try again later: refused"),
        (
            StoreFault::Hang,
            "compare the version: deadline has elapsed",
        ),
    ] {
        world.store.fail(usize::MAX, fault);
        for _ in 0..30 {
            world.advance(seconds(60)).await;
            for account in &all {
                drop(spawn_token(account));
            }
            settle().await;
        }
        tokio::time::sleep(seconds(30)).await;
        assert_one_line("WARN", &["the store fails", "error=the store", cause]);
        world.store.recover();
        tokio::time::sleep(seconds(30)).await;
        all[0].refresh().await.unwrap();
        let line = assert_one_line("INFO", &["the store works again", "lasted="]);
        let (_, failures) = line.split_once("failures=").unwrap();
        let digits = failures.split(' ').next().unwrap();
        assert!(digits.parse::<u32>().unwrap() > 100, "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn reads_that_work_end_no_outage_of_writes() {
    log::start();
    let world = World::without_notifications(Options::default());
    let account = world.connect_account().await;
    take_lines();
    world.store.fail(usize::MAX, StoreFault::ReadOnly);
    for _ in 0..10 {
        assert!(account.refresh().await.is_err());
        tokio::time::sleep(seconds(30)).await;
        account.status().await.unwrap();
    }
    assert_one_line("WARN", &["the store fails", "call=Write"]);
    world.store.recover();
    account.refresh().await.unwrap();
    assert_one_line("INFO", &["the store works again"]);
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_record_is_logged_once_with_its_account() {
    log::start();
    let world = World::without_notifications(Options::default());
    let account = world.connect_account().await;
    take_lines();
    world.store.make_unreadable(&account.key()).await;
    for _ in 0..10 {
        assert!(account.status().await.is_err());
        tokio::time::sleep(seconds(30)).await;
    }
    let digest = account.digest().to_string();
    let parts = ["cannot be read", "it has format 99", &digest];
    assert_one_line("WARN", &parts);
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_a_provider_is_logged_twice_for_all_accounts() {
    log::start();
    let world = World::amiqus();
    let all = connected(&world).await;
    take_lines();
    let faults = world.emulator.faults();
    faults.always(Endpoint::Token, EndpointFault::ServerError);
    for _ in 0..10 {
        for account in &all {
            drop(spawn_refresh(account));
        }
        tokio::time::sleep(HOUR).await;
    }
    let parts = ["token requests fail", "amiqus", "(500"];
    assert_one_line("WARN", &parts);
    faults.clear_all();
    all[0].refresh().await.unwrap();
    assert_one_line(
        "INFO",
        &["token requests succeed again", "failures=", "amiqus"],
    );
}

#[tokio::test(start_paused = true)]
async fn each_refused_grant_is_logged() {
    log::start();
    let world = World::amiqus();
    let all = connected(&world).await;
    take_lines();
    world.emulator.revoke_user(DEFAULT_USER);
    for account in &all[..5] {
        for _ in 0..3 {
            assert!(account.refresh().await.is_err());
        }
    }
    let lines = take_lines();
    assert_eq!(lines.len(), 5, "{lines:#?}");
    for (line, account) in lines.iter().zip(&all) {
        assert!(line.contains(" WARN "), "{line}");
        let cause = "cause=refresh token refused (invalid_grant)";
        for part in ["an account needs a new login", cause, "(400, invalid_grant"] {
            assert!(line.contains(part), "no `{part}` in {line}");
        }
        assert!(line.contains(&account.digest().to_string()), "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn revocations_that_fail_are_logged_twice() {
    log::start();
    let world = World::ioffice();
    let account = world.connect_account().await;
    take_lines();
    let faults = world.emulator.faults();
    faults.always(Endpoint::Revoke, EndpointFault::ServerError);
    account.disconnect().await.unwrap();
    for _ in 0..5 {
        world.advance(HOUR).await;
        settle().await;
    }
    assert_one_such_line("WARN", &["revocations fail", "ioffice", "error="]);
    faults.clear_all();
    world.advance(HOUR).await;
    settle().await;
    assert_one_line("INFO", &["revocations succeed again"]);
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_lags_is_logged_twice() {
    log::start();
    let world = World::amiqus();
    let account = world.account();
    let mut events = world.accounts.events();
    let flood = async || {
        for number in 0..1500 {
            let tokens = TokenSet::new(format!("access-{number}"));
            account.adopt(tokens).await.unwrap();
        }
    };
    for _ in 0..3 {
        flood().await;
        events.next().await.unwrap();
    }
    assert_one_such_line("WARN", &["misses events"]);
    tokio::time::sleep(Duration::from_secs(60)).await;
    events.next().await.unwrap();
    assert_one_line("INFO", &["misses no more events"]);
}
