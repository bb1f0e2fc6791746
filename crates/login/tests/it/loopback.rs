//! From the browser's answer to the connected account.

use tokenkeeper_emulator::Endpoint;
use tokenkeeper_engine::{
    Error as EngineError,
    protocol::{RedirectError, ResponseMode},
};
use tokenkeeper_login::Error;
use tokenkeeper_test_support::visit;
use tokio::task;

use crate::{browser::Browser, world::World};

const CALLBACK: &str = "http://127.0.0.1/callback";

#[tokio::test]
async fn a_login_connects_the_account() {
    let world = World::new(CALLBACK);
    let (started, browser, location) = world.start().await;
    let finished = task::spawn(started.finish());
    let page = browser.get(&location).await;
    assert!(page.text.contains("Connected to acme"), "{}", page.text);
    let login = finished.await.unwrap().unwrap();
    assert_eq!(login.account, world.account());
    assert!(world.is_connected().await);
}

#[tokio::test]
async fn the_code_leaves_the_address() {
    let world = World::new(CALLBACK);
    let (_started, browser, location) = world.start().await;
    let page = browser.get(&location).await;
    assert!(location.contains("code="));
    assert!(page.url.ends_with("/login-ended"), "{}", page.url);
}

#[tokio::test]
async fn a_reload_and_a_second_answer_show_the_same_end() {
    let world = World::new(CALLBACK);
    let (_started, browser, location) = world.start().await;
    let first = browser.get(&location).await;
    assert_eq!(browser.get(&first.url).await.text, first.text);
    assert_eq!(browser.get(&location).await.text, first.text);
    assert_eq!(world.emulator.counters().exchanges(), 1);
}

#[tokio::test]
async fn an_answer_of_another_login_does_not_end_this_one() {
    let world = World::new(CALLBACK);
    let (started, browser, location) = world.start().await;
    let finished = task::spawn(started.finish());
    let callback = location.split('?').next().unwrap();
    for query in [
        "",
        "?code=stolen&state=guessed",
        "?error=access_denied",
        "?state=x",
    ] {
        let page = browser.get(&format!("{callback}{query}")).await;
        assert_eq!(page.status, 400, "{query}: {}", page.text);
        assert!(page.text.contains("The login goes on"), "{}", page.text);
    }
    assert_eq!(world.emulator.counters().token_requests, 0);
    browser.get(&location).await;
    finished.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_denial_ends_the_login_with_its_cause() {
    let world = World::new(CALLBACK);
    let started = world.login().start().await.unwrap();
    let denied = visit(&world.emulator, &format!("{}&deny=1", started.url())).await;
    let finished = task::spawn(started.finish());
    let page = Browser::new().get(&denied).await;
    assert!(page.text.contains("Not connected to acme"), "{}", page.text);
    let error = finished.await.unwrap().unwrap_err();
    let Error::Engine(EngineError::Redirect(error)) = error else {
        panic!("{error:?}");
    };
    assert!(matches!(*error, RedirectError::Denied { .. }), "{error:?}");
}

#[tokio::test]
async fn an_answer_in_a_posted_form_connects() {
    let world = World::answering(CALLBACK, ResponseMode::FormPost);
    let started = world.login().start().await.unwrap();
    // The emulator answers by a redirect: only the way to the command differs.
    let url = started
        .url()
        .as_str()
        .replace("&response_mode=form_post", "");
    let location = visit(&world.emulator, &format!("{url}&approve=1")).await;
    let (callback, form) = location.split_once('?').unwrap();
    let finished = task::spawn(started.finish());
    let browser = Browser::new();
    browser.get(&location).await;
    let page = browser.post(callback, form).await;
    assert!(page.text.contains("Connected to acme"), "{}", page.text);
    finished.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_answer_in_the_fragment_connects_by_the_relay_page() {
    let world = World::answering(CALLBACK, ResponseMode::Fragment);
    let (started, browser, location) = world.start().await;
    let (callback, fragment) = location.split_once('#').unwrap();
    let finished = task::spawn(started.finish());
    let relay = browser.get(callback).await;
    let nonce = relay.text.split("name=\"nonce\" value=\"").nth(1).unwrap();
    let nonce = &nonce[..32];
    let fragment = fragment
        .replace('%', "%25")
        .replace('&', "%26")
        .replace('=', "%3D");

    let form = |nonce: &str| format!("nonce={nonce}&fragment={fragment}");
    let forged = browser.post(callback, &form(&"0".repeat(32))).await;
    assert_eq!(forged.status, 403, "{}", forged.text);
    assert_eq!(world.emulator.counters().token_requests, 0);

    let page = browser.post(callback, &form(nonce)).await;
    assert!(page.text.contains("Connected to acme"), "{}", page.text);
    finished.await.unwrap().unwrap();
}

#[tokio::test]
async fn localhost_is_listened_at_by_both_addresses() {
    let world = World::new("http://localhost/callback");
    let started = world.login().start().await.unwrap();
    let mut pairs = started.url().query_pairs();
    let (_, callback) = pairs.find(|pair| pair.0 == "redirect_uri").unwrap();
    let browser = Browser::new();
    for ip in ["127.0.0.1", "[::1]"] {
        let url = callback.replacen("localhost", ip, 1);
        if browser.is_refused(&url).await {
            // A machine may lack IPv6.
            assert_eq!(ip, "[::1]");
            continue;
        }
        let host = callback.split('/').nth(2).unwrap();
        let page = browser.get_as(host, &url).await;
        assert_eq!(page.status, 400, "{}", page.text);
    }
}

#[tokio::test]
async fn a_dropped_login_stops_listening() {
    let world = World::new(CALLBACK);
    let (started, browser, location) = world.start().await;
    drop(started);
    while !browser.is_refused(&location).await {
        task::yield_now().await;
    }
    assert_eq!(world.emulator.counters().token_requests, 0);
}

#[tokio::test]
async fn a_code_that_arrived_is_exchanged_without_the_command() {
    let world = World::new(CALLBACK);
    let (started, browser, location) = world.start().await;
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let loading = task::spawn(async move { browser.is_refused(&location).await });
    gate.arrived(1).await;
    drop(started);
    gate.release();
    while !world.is_connected().await {
        task::yield_now().await;
    }
    loading.await.unwrap();
}
