//! A browser that runs no script.

use tokenkeeper_browser_tests::{App, Brand, Browser, Settings};

const NO_SCRIPT: Settings = Settings {
    no_script: true,
    phone: false,
    dark: false,
};

#[tokio::test]
async fn all_but_the_relay_works_without_script() {
    let (app, browser) = (App::start().await, Browser::with(NO_SCRIPT).await);
    for brand in [Brand::Amiqus, Brand::Fortes, Brand::Qics] {
        browser.start_login(&app, brand).await;
        browser.deny().await;
        browser.see("#text", "Access was not given").await;
        browser.click("#retry button").await;
        browser.see_provider(brand).await;
        browser.approve(&app, brand).await;
        browser.see_state(brand, "Healthy").await;
        browser.call(brand).await;
        browser
            .see(&format!("#{} .said", brand.id()), "200 OK")
            .await;
        browser.press(brand, "refresh").await;
        browser
            .see(&format!("#{} .refreshed", brand.id()), "ago")
            .await;
        browser.press(brand, "disconnect").await;
        browser.see_state(brand, "Not connected").await;
    }
    browser.quit().await;
}

#[tokio::test]
async fn relay_says_that_it_needs_script() {
    let (app, browser) = (App::start().await, Browser::with(NO_SCRIPT).await);
    browser.start_login(&app, Brand::IOffice).await;
    browser.press_approve().await;
    browser
        .see("main", "This page needs JavaScript to finish the login")
        .await;
    browser.click("#back").await;
    browser.see_state(Brand::IOffice, "Not connected").await;
    browser.quit().await;
}
