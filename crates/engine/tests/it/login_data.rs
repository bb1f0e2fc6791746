//! What a login brings next to its tokens: kept, merged, bounded and secret.

use serde_json::{Value, json};
use tokenkeeper_emulator::{Endpoint, Fault};
use tokenkeeper_engine::{
    Error, Login,
    protocol::{LoginData, Redirect},
};

use crate::harness::{StoreFault, World, approve, assert_err, issue_tokens};

/// Logs in with a further member in the token response and with `parameters` in the redirect.
async fn log_in(world: &World, member: Option<(&str, Value)>, parameters: &str) -> Login {
    let start = world.account().connect().unwrap();
    let redirect = approve(&world.emulator, start.url.as_str()).await;
    let Redirect::Query(query) = redirect else {
        panic!("{redirect:?}");
    };
    let redirect = Redirect::query(format!("{query}&{parameters}"));
    if let Some((name, value)) = member {
        add_member(world, name, value);
    }
    world.accounts.finish(start.flow, redirect).await.unwrap()
}

/// Adds a member to the next token response.
fn add_member(world: &World, name: &str, value: Value) {
    let faults = world.emulator.faults();
    faults.once(Endpoint::Token, Fault::field(name, value));
}

#[tokio::test(start_paused = true)]
async fn a_login_returns_what_its_answer_and_redirect_brought() {
    let world = World::plain();
    let instance = ("instance_url", json!("https://acme.example"));
    let login = log_in(&world, Some(instance), "realmId=46&x=a%20b").await;
    assert_eq!(login.account, world.account());
    let expected = LoginData::default()
        .with_member("instance_url", json!("https://acme.example"))
        .with_parameter("realmId", "46")
        .with_parameter("x", "a b");
    assert_eq!(login.login_data, expected);
    assert_eq!(login.account.login_data().await.unwrap(), expected);
    assert_eq!(*login.account.token().await.unwrap().login_data(), expected);
    let elsewhere = world.account_elsewhere();
    assert_eq!(elsewhere.login_data().await.unwrap(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_repeated_callback_returns_the_same_data() {
    let world = World::plain();
    let (flow, redirect) = world.approved_login().await;
    add_member(&world, "team", json!("T1"));
    let first = world.accounts.finish(flow.clone(), redirect.clone()).await;
    let elsewhere = world.another_process();
    let second = elsewhere.finish(flow, redirect).await.unwrap();
    assert_eq!(second.login_data.get("team"), Some(&json!("T1")));
    assert_eq!(first.unwrap().login_data, second.login_data);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_replaces_members_and_loses_none() {
    for keep in [true, false] {
        let world = World::plain_with(|dialect| dialect.refresh.keep_when_absent = keep);
        let first = ("team", json!({"id": "T1", "name": "Acme"}));
        let account = log_in(&world, Some(first), "realmId=46").await.account;
        account.refresh().await.unwrap();
        add_member(&world, "team", json!({"name": "Acme Ltd"}));
        account.refresh().await.unwrap();
        let data = world.account_elsewhere().login_data().await.unwrap();
        assert_eq!(
            data.get("team"),
            Some(&json!({"id": "T1", "name": "Acme Ltd"}))
        );
        assert_eq!(data.parameter("realmId"), Some("46"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_login_starts_with_new_data() {
    let world = World::plain();
    let id_token = ("id_token", json!("header.claims.signature"));
    log_in(&world, Some(id_token), "realmId=46").await;
    let login = log_in(&world, None, "merchant_id=7").await;
    assert_eq!(login.login_data.get("id_token"), None);
    assert_eq!(login.login_data.parameter("realmId"), None);
    assert_eq!(login.login_data.parameter("merchant_id"), Some("7"));
}

#[tokio::test(start_paused = true)]
async fn members_over_the_bound_cost_no_token() {
    let world = World::plain();
    let photo = ("photo", json!("x".repeat(60_000)));
    let parameters = format!("junk={}&realmId=46", "x".repeat(10_000));
    let login = log_in(&world, Some(photo), &parameters).await;
    assert_eq!(login.login_data.dropped(), ["junk"]);
    assert_eq!(login.login_data.parameter("realmId"), Some("46"));
    add_member(&world, "id_token", json!("x".repeat(10_000)));
    login.account.refresh().await.unwrap();
    assert_eq!(world.call_api(&login.account).await, 200);

    let elsewhere = world.account_elsewhere();
    let data = elsewhere.login_data().await.unwrap();
    assert_eq!(data.dropped(), ["junk", "id_token"]);
    assert_eq!(data.answer(), login.login_data.answer());
    assert_eq!(world.call_api(&elsewhere).await, 200);
}

/// The provider has spent the code and the refresh token by the time its answer is too long.
#[tokio::test(start_paused = true)]
async fn a_member_longer_than_the_bound_costs_no_token() {
    let world = World::plain();
    let photo = json!("x".repeat(200_000));
    let login = log_in(&world, Some(("photo", photo.clone())), "realmId=46").await;
    assert_eq!(login.login_data.dropped(), ["photo"]);
    assert_eq!(login.login_data.parameter("realmId"), Some("46"));
    add_member(&world, "photo", photo);
    login.account.refresh().await.unwrap();
    assert_eq!(world.call_api(&login.account).await, 200);
    let kept = login.account.login_data().await.unwrap();
    assert_eq!(kept, login.login_data);
}

#[tokio::test(start_paused = true)]
async fn tokens_are_adopted_with_the_data_of_their_login() {
    let world = World::plain();
    let mut tokens = issue_tokens(&world.emulator);
    tokens.extra.insert("team".to_owned(), json!("T1"));
    let redirect = LoginData::default().with_parameter("realmId", "46");
    let account = world.account();
    account.adopt_with(tokens, redirect).await.unwrap();
    account.refresh().await.unwrap();
    let data = world.account_elsewhere().login_data().await.unwrap();
    assert_eq!(data.get("team"), Some(&json!("T1")));
    assert_eq!(data.parameter("realmId"), Some("46"));
}

#[tokio::test(start_paused = true)]
async fn members_of_adopted_tokens_are_login_data() {
    let world = World::plain();
    let mut tokens = issue_tokens(&world.emulator);
    tokens.extra.insert("realmId".to_owned(), json!("46"));
    let account = world.account();
    account.adopt(tokens).await.unwrap();
    account.refresh().await.unwrap();
    let data = world.account_elsewhere().login_data().await.unwrap();
    assert_eq!(data.get("realmId"), Some(&json!("46")));
}

#[tokio::test(start_paused = true)]
async fn an_account_without_tokens_has_no_login_data() {
    let world = World::plain();
    let account = world.account();
    assert_err!(account.login_data().await, Error::NotConnected { .. });
    let account = log_in(&world, None, "realmId=46").await.account;
    account.disconnect().await.unwrap();
    assert_err!(account.login_data().await, Error::Disconnected { .. });
    let elsewhere = world.account_elsewhere();
    assert_err!(elsewhere.login_data().await, Error::Disconnected { .. });
}

#[tokio::test(start_paused = true)]
async fn login_data_in_memory_outlives_a_failing_store() {
    let world = World::plain();
    let account = log_in(&world, None, "realmId=46").await.account;
    world.store.fail(usize::MAX, StoreFault::Refuse);
    let data = account.login_data().await.unwrap();
    assert_eq!(data.parameter("realmId"), Some("46"));
    let elsewhere = world.account_elsewhere();
    assert_err!(elsewhere.login_data().await, Error::Store { .. });
}
