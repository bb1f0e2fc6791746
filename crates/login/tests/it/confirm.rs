//! Answers without a state: another site's link, and the provider's own.

use tokenkeeper_engine::protocol::{ResponseMode, StateEcho};
use tokenkeeper_login::Error;
use tokenkeeper_test_support::visit;
use tokio::task;

use crate::{
    browser::{Browser, Page},
    world::World,
};

const CALLBACK: &str = "http://127.0.0.1/callback";

fn world(mode: ResponseMode) -> World {
    World::with_dialect(CALLBACK, mode, |dialect| {
        dialect.authorization.state_echo = StateEcho::Never;
    })
}

/// Gets a code for another person's account, as a link to the callback.
async fn anothers_link(world: &World, location: &str) -> String {
    let other = world.accounts.account("acme", "mallory").unwrap();
    let url = other.connect().unwrap().url;
    let theirs = visit(&world.emulator, &format!("{url}&approve=1")).await;
    let (_, query) = theirs.split_once('?').unwrap();
    let (callback, _) = location.split_once('?').unwrap();
    format!("{callback}?{query}")
}

async fn click(browser: &Browser, page: &Page, button: &str) -> Page {
    let nonce = page.text.split("name=\"nonce\" value=\"").nth(1).unwrap();
    let form = format!("nonce={}&answer={button}", &nonce[..32]);
    browser.post(&page.url, &form).await
}

#[tokio::test]
async fn anothers_link_connects_nothing_unless_confirmed() {
    let world = world(ResponseMode::Query);
    let (started, browser, location) = world.start().await;
    let finished = task::spawn(started.finish());
    let link = anothers_link(&world, &location).await;
    let asked = browser.get(&link).await;
    assert!(asked.text.contains("Connect to acme?"), "{}", asked.text);
    assert!(!asked.url.contains("code="), "{}", asked.url);
    let policy = asked.header("content-security-policy");
    assert!(policy.contains("form-action 'self'") && policy.contains("frame-ancestors 'none'"));
    assert!(!asked.text.contains("<script"));
    // A form of another site does not know the page's nonce.
    for form in [
        "answer=connect",
        "nonce=&answer=connect",
        "nonce=0&answer=connect",
    ] {
        let refused = browser.post(&asked.url, form).await;
        assert_eq!(refused.status, 403, "{form}");
    }
    assert_eq!(world.emulator.counters().token_requests, 0);

    let own = browser.get(&location).await;
    let page = click(&browser, &own, "connect").await;
    assert!(page.text.contains("Connected to acme"), "{}", page.text);
    finished.await.unwrap().unwrap();
    assert!(world.is_connected().await);
    assert_eq!(world.emulator.counters().exchanges(), 1);
}

#[tokio::test]
async fn no_ends_the_login_and_connects_nothing() {
    let world = world(ResponseMode::Query);
    let (started, browser, location) = world.start().await;
    let asked = browser.get(&anothers_link(&world, &location).await).await;
    let page = click(&browser, &asked, "cancel").await;
    assert!(page.text.contains("Not connected to acme"), "{}", page.text);
    // Neither the page nor the provider's answer finishes it any more.
    let page = click(&browser, &asked, "connect").await;
    assert!(page.text.contains("Not connected to acme"), "{}", page.text);
    let error = started.finish().await.unwrap_err();
    assert!(matches!(error, Error::NotConfirmed), "{error:?}");
    assert_eq!(world.emulator.counters().token_requests, 0);
    assert!(!world.is_connected().await);
}

#[tokio::test]
async fn an_answer_in_the_fragment_is_confirmed_too() {
    let world = world(ResponseMode::Fragment);
    let (started, browser, location) = world.start().await;
    let (callback, fragment) = location.split_once('#').unwrap();
    let finished = task::spawn(started.finish());
    let relay = browser.get(callback).await;
    let nonce = relay.text.split("name=\"nonce\" value=\"").nth(1).unwrap();
    let escaped = fragment.replace('&', "%26").replace('=', "%3D");
    let posted = format!("nonce={}&fragment={escaped}", &nonce[..32]);
    let asked = browser.post(callback, &posted).await;
    assert!(asked.text.contains("Connect to acme?"), "{}", asked.text);
    // The relay's nonce confirms nothing.
    let forged = format!("nonce={}&answer=connect", &nonce[..32]);
    let (start, _) = asked.url.split_once('?').unwrap();
    assert_eq!(browser.post(start, &forged).await.status, 403);
    assert_eq!(world.emulator.counters().token_requests, 0);
    let page = click(&browser, &asked, "connect").await;
    assert!(page.text.contains("Connected to acme"), "{}", page.text);
    finished.await.unwrap().unwrap();
}
