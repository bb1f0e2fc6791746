//! Logins in several tabs of one browser.

use tokenkeeper_browser_tests::{App, Brand, Browser, Tab};

#[tokio::test]
async fn two_tabs_connect_one_after_the_other() {
    let (app, browser) = (App::start().await, Browser::start().await);
    let tabs = start_in_two_tabs(&app, &browser, Brand::Amiqus).await;
    for tab in &tabs {
        browser.turn_to(tab).await;
        browser.approve(&app, Brand::Amiqus).await;
        browser.see_state(Brand::Amiqus, "Healthy").await;
    }
    // The newer login replaced the older one, and the older page works with it.
    browser.turn_to(&tabs[0]).await;
    browser.call(Brand::Amiqus).await;
    browser.see("#amiqus .said", "200 OK").await;
    assert_eq!(app.emulator(Brand::Amiqus).counters().exchanges(), 2);
    browser.quit().await;
}

#[tokio::test]
async fn two_tabs_of_a_login_without_a_state_connect_once() {
    let (app, browser) = (App::start().await, Browser::start().await);
    let tabs = start_in_two_tabs(&app, &browser, Brand::IOffice).await;
    browser.turn_to(&tabs[0]).await;
    browser.approve(&app, Brand::IOffice).await;
    browser.see_state(Brand::IOffice, "Healthy").await;
    browser.turn_to(&tabs[1]).await;
    browser.press_approve().await;
    browser.see_state(Brand::IOffice, "Healthy").await;
    let counters = app.emulator(Brand::IOffice).counters();
    assert_eq!(counters.exchanges(), 1);
    browser.quit().await;
}

#[tokio::test]
async fn newer_login_voids_one_in_another_tab() {
    let (app, browser) = (App::start().await, Browser::start().await);
    let tabs = start_in_two_tabs(&app, &browser, Brand::Qics).await;
    browser.turn_to(&tabs[0]).await;
    browser.press_approve().await;
    let text = "This answer does not belong to the login that was started";
    browser.see("#text", text).await;
    browser.turn_to(&tabs[1]).await;
    browser.approve(&app, Brand::Qics).await;
    browser.see_state(Brand::Qics, "Healthy").await;
    assert_eq!(app.emulator(Brand::Qics).counters().exchanges(), 1);
    browser.quit().await;
}

async fn start_in_two_tabs(app: &App, browser: &Browser, brand: Brand) -> [Tab; 2] {
    let first = browser.tab().await;
    browser.start_login(app, brand).await;
    let second = browser.open_tab().await;
    browser.start_login(app, brand).await;
    [first, second]
}
