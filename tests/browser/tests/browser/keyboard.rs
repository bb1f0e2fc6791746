//! A person who uses the keyboard alone.

use tokenkeeper_browser_tests::{App, Brand, Browser};

#[tokio::test]
async fn keyboard_alone_connects_calls_and_disconnects() {
    let (app, browser) = (App::start().await, Browser::start().await);
    for brand in [Brand::Amiqus, Brand::IOffice, Brand::Qics] {
        let name = brand.name();
        browser.open(&app.url("/")).await;
        enter(&browser, &format!("Connect {name}")).await;
        browser.see_provider(brand).await;
        enter(&browser, "Deny").await;
        browser.see("#text", "Access was not given").await;
        enter(&browser, "Try again").await;
        browser.see_provider(brand).await;
        enter(&browser, "Approve").await;
        if app.asks(brand) {
            browser.see_question(name).await;
            enter(&browser, "Connect").await;
        }
        browser.see_state(brand, "Healthy").await;
        enter(&browser, &format!("Call the API of {name}")).await;
        browser
            .see(&format!("#{} .said", brand.id()), "200 OK")
            .await;
        enter(&browser, &format!("Disconnect {name}")).await;
        browser.see_state(brand, "Not connected").await;
    }
    browser.quit().await;
}

/// Moves the focus to a control and presses enter.
async fn enter(browser: &Browser, name: &str) {
    browser.tab_to(name).await;
    browser.press_enter().await;
}
