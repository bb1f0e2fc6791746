//! The person denies the access at the provider.

use tokenkeeper_browser_tests::{App, Brand, Browser};

#[tokio::test]
async fn denial_leaves_a_way_back_and_another_attempt() {
    let (app, browser) = (App::start().await, Browser::start().await);
    for brand in Brand::ALL {
        browser.start_login(&app, brand).await;
        deny(&browser, brand).await;
        browser.click("#back").await;
        browser.see_state(brand, "Not connected").await;

        browser.start_login(&app, brand).await;
        deny(&browser, brand).await;
        browser.click("#retry button").await;
        browser.see_provider(brand).await;
        browser.approve(&app, brand).await;
        browser.see_state(brand, "Healthy").await;
    }
    browser.quit().await;
}

#[tokio::test]
async fn denial_leaves_a_connected_account_as_it_was() {
    let (app, browser) = (App::start().await, Browser::start().await);
    browser.connect(&app, Brand::Amiqus).await;
    browser.open(&app.url("/connect/amiqus")).await;
    browser.click("#connect button").await;
    browser.see_provider(Brand::Amiqus).await;
    deny(&browser, Brand::Amiqus).await;
    browser.click("#back").await;
    browser.see_state(Brand::Amiqus, "Healthy").await;
    browser.quit().await;
}

/// Denies, and sees a page that says what happened and what to do next.
async fn deny(browser: &Browser, brand: Brand) {
    browser.deny().await;
    let heading = format!("The login at {} was not finished", brand.name());
    browser.see_heading(&heading).await;
    browser.see("#text", "Access was not given").await;
    browser.see("#retry button", "Try again").await;
    let address = browser.address().await;
    assert!(address.ends_with("?failed=denied"), "{address}");
}
