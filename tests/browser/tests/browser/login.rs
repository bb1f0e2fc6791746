//! Logins that succeed.

use tokenkeeper_browser_tests::{App, Brand, Browser};

#[tokio::test]
async fn all_four_providers_connect() {
    let (app, browser) = (App::start().await, Browser::start().await);
    for brand in Brand::ALL {
        browser.connect(&app, brand).await;
        assert_eq!(browser.address().await, app.url("/"));
    }
    browser.see("header", "4 of 4 connected").await;
    browser.see("#amiqus .person", "ann@example.com").await;
    for brand in Brand::ALL {
        browser.call(brand).await;
        browser
            .see(&format!("#{} .said", brand.id()), "200 OK")
            .await;
        assert_eq!(app.emulator(brand).counters().exchanges(), 1, "{brand:?}");
    }
    browser.quit().await;
}

#[tokio::test]
async fn relay_finishes_a_login_whose_state_comes_back() {
    let (app, browser) = (App::with_states().await, Browser::start().await);
    browser.connect(&app, Brand::IOffice).await;
    assert_eq!(browser.address().await, app.url("/"));
    browser.quit().await;
}

#[tokio::test]
async fn two_accounts_at_one_provider_live_side_by_side() {
    let (app, browser) = (App::start().await, Browser::start().await);
    browser.connect(&app, Brand::Amiqus).await;
    browser.click("#amiqus .second button").await;
    browser.see_provider(Brand::Amiqus).await;
    browser.choose_person("bob@example.com").await;
    browser.press_approve().await;
    browser
        .see("#amiqus-second .person", "bob@example.com")
        .await;
    browser.see("#amiqus .person", "ann@example.com").await;

    browser.click("#amiqus-second a.button").await;
    browser.see("#amiqus-second .said", "200 OK").await;
    browser
        .click("#amiqus-second [action^='/refresh'] button")
        .await;
    browser.see("#amiqus-second .refreshed", "ago").await;
    browser.see("#amiqus .refreshed", "None").await;
    browser
        .click("#amiqus-second [action^='/disconnect'] button")
        .await;
    browser.find("#amiqus .second").await;
    browser.see_state(Brand::Amiqus, "Healthy").await;
    assert!(!browser.has("#amiqus-second").await);
    browser.quit().await;
}
