//! Origins of the API that only a login names.

use serde_json::json;
use tokenkeeper_emulator::{Endpoint, Fault};
use tokenkeeper_engine::{
    Account, Error, TokenSource as _,
    protocol::{Dialect, LoginOriginRule},
};

use crate::harness::{World, assert_err, login, seconds};

const ACME: &str = "https://acme.my.force.com";
const OTHER: &str = "https://other.my.force.com";
const ELSEWHERE: &str = "https://acme.example.com";

fn rules(dialect: &mut Dialect) {
    let mut rule = LoginOriginRule::default();
    rule.field = Some("instance_url".to_owned());
    rule.below = vec!["force.com".to_owned()];
    dialect.api_origins_from.push(rule);
}

/// Puts the origin into all further token responses.
fn name_origin(world: &World, origin: &str) {
    let faults = world.emulator.faults();
    faults.clear(Endpoint::Token);
    faults.always(Endpoint::Token, Fault::field("instance_url", origin));
}

/// Returns for each target whether the token belongs to it, and whether that is unknown.
fn allowed(account: &Account) -> [(bool, bool); 3] {
    [ACME, OTHER, ELSEWHERE].map(|target| {
        let target = format!("{target}/v1").parse().unwrap();
        (account.allows(&target), account.may_allow(&target))
    })
}

const NO: (bool, bool) = (false, false);
const YES: (bool, bool) = (true, false);
const UNKNOWN: (bool, bool) = (false, true);

#[tokio::test(start_paused = true)]
async fn a_login_adds_the_origin_that_it_names() {
    let world = World::plain_with(rules);
    name_origin(&world, ACME);
    let own = |accounts: &tokenkeeper_engine::Accounts| {
        [ACME, OTHER].map(|target| accounts.allows(&target.parse().unwrap()))
    };
    let account = world.account();
    assert_eq!(allowed(&account), [UNKNOWN, UNKNOWN, NO]);
    assert_eq!(own(&world.accounts), [false, false]);
    login(&world.emulator, &account).await.unwrap();
    assert_eq!(allowed(&account), [YES, NO, NO]);
    assert_eq!(own(&world.accounts), [true, false]);
    let site = format!("{}/api/me", account.site()).parse().unwrap();
    assert!(account.allows(&site), "the site's origins stay");

    let other = world.accounts.account("plain", "user-43").unwrap();
    name_origin(&world, OTHER);
    login(&world.emulator, &other).await.unwrap();
    assert_eq!(allowed(&other), [NO, YES, NO]);
    assert_eq!(allowed(&account), [YES, NO, NO]);

    let elsewhere = world.account_elsewhere();
    assert_eq!(allowed(&elsewhere), [UNKNOWN, UNKNOWN, NO]);
    elsewhere.load().await.unwrap();
    assert_eq!(allowed(&elsewhere), [YES, NO, NO]);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_moves_the_origin() {
    let world = World::plain_with(rules);
    name_origin(&world, ACME);
    let account = world.connect_account().await;
    name_origin(&world, OTHER);
    account.refresh().await.unwrap();
    assert_eq!(allowed(&account), [NO, YES, NO]);
    // A refresh that does not repeat it keeps it.
    world.emulator.faults().clear(Endpoint::Token);
    account.refresh().await.unwrap();
    assert_eq!(allowed(&account), [NO, YES, NO]);
}

#[tokio::test(start_paused = true)]
async fn no_login_adds_an_origin_that_is_not_public_or_not_below() {
    for named in [
        "http://acme.my.force.com",
        "https://10.0.0.1",
        ELSEWHERE,
        "https://force.com.x",
    ] {
        let world = World::plain_with(rules);
        name_origin(&world, named);
        let account = world.connect_account().await;
        assert_eq!(allowed(&account), [NO, NO, NO], "{named}");
        let target = named.parse().unwrap();
        assert!(
            !account.allows(&target) && !world.accounts.allows(&target),
            "{named}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_account_is_loaded_before_it_decides() {
    let world = World::plain_with(rules);
    name_origin(&world, ACME);
    let account = world.connect_account().await;
    world.advance(seconds(3 * 3600)).await;
    tokio::time::sleep(seconds(3600)).await;
    assert_eq!(allowed(&account), [UNKNOWN, UNKNOWN, NO]);
    account.load().await.unwrap();
    assert_eq!(allowed(&account), [YES, NO, NO]);
}

#[tokio::test(start_paused = true)]
async fn an_account_without_tokens_allows_no_origin_of_a_login() {
    let world = World::plain_with(rules);
    let account = world.account();
    assert_err!(account.load().await, Error::NotConnected { .. });
    name_origin(&world, ACME);
    login(&world.emulator, &account).await.unwrap();
    account.disconnect().await.unwrap();
    assert_eq!(allowed(&account), [UNKNOWN, UNKNOWN, NO]);
    assert_err!(account.load().await, Error::Disconnected { .. });
}

/// Such a request must fail: it must not pass without its token.
#[tokio::test(start_paused = true)]
async fn a_token_that_cannot_be_attached_keeps_its_origin() {
    let world = World::plain_with(rules);
    name_origin(&world, ACME);
    let account = world.connect_account().await;
    let faults = world.emulator.faults();
    faults.clear(Endpoint::Token);
    faults.once(Endpoint::Token, Fault::field("token_type", json!("mac")));
    let _ = account.refresh().await;
    assert!(account.try_credential(true).is_none());
    assert!(allowed(&account)[0].0);
    assert_err!(account.token().await, Error::Protocol(_));
}

/// No other account pays for such rules, and no other provider asks before it passes a request.
#[tokio::test(start_paused = true)]
async fn without_rules_a_login_names_no_origin() {
    let world = World::plain();
    name_origin(&world, ACME);
    assert_eq!(allowed(&world.account()), [NO, NO, NO]);
    let account = world.connect_account().await;
    assert_eq!(allowed(&account), [NO, NO, NO]);
}
