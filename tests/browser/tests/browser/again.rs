//! A callback that comes again.

use tokenkeeper_browser_tests::{App, Brand, Browser};
use tokenkeeper_emulator::{Endpoint, Fault};

const AMIQUS: Brand = Brand::Amiqus;

#[tokio::test]
async fn replayed_callback_exchanges_no_code_again() {
    let (app, browser) = (App::start().await, Browser::start().await);
    let callback = approve(&app, &browser).await;
    for _ in 0..2 {
        browser.open(&callback).await;
        browser.see_state(AMIQUS, "Healthy").await;
        assert_eq!(browser.address().await, app.url("/"));
    }
    browser.reload().await;
    browser.see_state(AMIQUS, "Healthy").await;

    // After a disconnect, the callback brings nothing back.
    browser.press(AMIQUS, "disconnect").await;
    browser.see_state(AMIQUS, "Not connected").await;
    browser.open(&callback).await;
    browser
        .see("#text", "No login is in progress in this browser")
        .await;
    browser.click("#back").await;
    browser.see_state(AMIQUS, "Not connected").await;
    assert_eq!(app.emulator(AMIQUS).counters().exchanges(), 1);
    browser.quit().await;
}

#[tokio::test]
async fn reload_finishes_a_login_that_met_an_outage() {
    let (app, browser) = (App::start().await, Browser::start().await);
    let callback = approve(&app, &browser).await;
    let outage = Fault::TooManyRequests { retry_after: 1 };
    app.emulator(AMIQUS)
        .faults()
        .always(Endpoint::Token, outage);
    browser.open(&callback).await;
    browser
        .see("#text", "This does not work at the moment")
        .await;
    app.emulator(AMIQUS).faults().clear_all();
    browser.reload().await;
    browser.see_state(AMIQUS, "Healthy").await;
    browser.quit().await;
}

#[tokio::test]
async fn callback_in_another_browser_is_refused() {
    let (app, browser) = (App::start().await, Browser::start().await);
    let other = Browser::start().await;
    let callback = approve(&app, &browser).await;
    other.open(&callback).await;
    other
        .see("#text", "No login is in progress in this browser")
        .await;
    other.click("#back").await;
    other.see_state(AMIQUS, "Not connected").await;
    assert_eq!(app.emulator(AMIQUS).counters().token_requests, 0);
    other.quit().await;

    // The login that it belongs to is still in progress.
    browser.open(&callback).await;
    browser.see_state(AMIQUS, "Healthy").await;
    browser.quit().await;
}

#[tokio::test]
async fn back_button_after_a_login_connects_nothing_twice() {
    let (app, browser) = (App::start().await, Browser::start().await);
    browser.connect(&app, AMIQUS).await;
    browser.go_back().await;
    browser.see_provider(AMIQUS).await;
    browser.press_approve().await;
    browser.see_state(AMIQUS, "Healthy").await;
    assert_eq!(app.emulator(AMIQUS).counters().exchanges(), 1);
    browser.quit().await;
}

/// Starts a login, approves it at the provider, and returns the callback that was not opened yet.
async fn approve(app: &App, browser: &Browser) -> String {
    browser.start_login(app, AMIQUS).await;
    let page = browser.address().await;
    app.approve(AMIQUS, &page).await
}
