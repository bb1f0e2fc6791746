//! What happens to a connected account while its page is open.

use tokenkeeper_browser_tests::{App, Brand, Browser};
use tokenkeeper_emulator::{Endpoint, Fault};

#[tokio::test]
async fn disconnect_revokes_and_empties_the_card() {
    let (app, browser) = (App::start().await, Browser::start().await);
    for brand in Brand::ALL {
        browser.connect(&app, brand).await;
        browser.press(brand, "disconnect").await;
        browser.see_state(brand, "Not connected").await;
        assert_eq!(browser.address().await, app.url("/"));
    }
    assert!(app.emulator(Brand::IOffice).counters().revocations > 0);
    browser.quit().await;
}

#[tokio::test]
async fn page_of_a_gone_account_connects_and_comes_back() {
    let (app, browser) = (App::start().await, Browser::start().await);
    browser.connect(&app, Brand::Amiqus).await;
    let first = browser.tab().await;
    browser.open_tab().await;
    browser.open(&app.url("/")).await;
    browser.press(Brand::Amiqus, "disconnect").await;
    browser.see_state(Brand::Amiqus, "Not connected").await;

    browser.turn_to(&first).await;
    browser.call(Brand::Amiqus).await;
    browser.see_heading("Connect to Amiqus").await;
    browser.click("#connect button").await;
    browser.see_provider(Brand::Amiqus).await;
    browser.approve(&app, Brand::Amiqus).await;
    browser.see("#amiqus .said", "200 OK").await;
    assert_eq!(browser.address().await, app.url("/call/amiqus"));
    browser.quit().await;
}

#[tokio::test]
async fn token_that_expires_under_an_open_page_is_refreshed() {
    let (app, browser) = (App::start().await, Browser::start().await);
    for brand in Brand::ALL {
        browser.connect(&app, brand).await;
        app.emulator(brand).expire_access_tokens();
        browser.call(brand).await;
        browser
            .see(&format!("#{} .said", brand.id()), "200 OK")
            .await;
        browser
            .see(&format!("#{} .refreshed", brand.id()), "ago")
            .await;
        browser.see_state(brand, "Healthy").await;
        assert_eq!(app.emulator(brand).counters().refreshes(), 1, "{brand:?}");
    }
    browser.quit().await;
}

#[tokio::test]
async fn account_revoked_at_the_provider_connects_again() {
    let (app, browser) = (App::start().await, Browser::start().await);
    for brand in Brand::ALL {
        browser.connect(&app, brand).await;
        app.emulator(brand).revoke_user("ann@example.com");
        browser.call(brand).await;
        browser.see_state(brand, "A new login is needed").await;
        browser.press(brand, "connect").await;
        browser.see_provider(brand).await;
        browser.approve(&app, brand).await;
        browser.see_state(brand, "Healthy").await;
        browser.call(brand).await;
        browser
            .see(&format!("#{} .said", brand.id()), "200 OK")
            .await;
    }
    browser.quit().await;
}

#[tokio::test]
async fn card_forgets_the_person_of_a_replaced_login() {
    let (app, browser) = (App::start().await, Browser::start().await);
    browser.connect(&app, Brand::Amiqus).await;
    browser.see("#amiqus .person", "ann@example.com").await;
    let faults = app.emulator(Brand::Amiqus).faults();
    faults.always(Endpoint::Api, Fault::HtmlServerError);
    browser.open(&app.url("/connect/amiqus")).await;
    browser.click("#connect button").await;
    browser.see_provider(Brand::Amiqus).await;
    browser.choose_person("bob@example.com").await;
    browser.press_approve().await;
    browser
        .see("#amiqus .person", "The provider does not say")
        .await;
    browser.quit().await;
}

#[tokio::test]
async fn refresh_finds_its_account_among_other_fields() {
    let (app, browser) = (App::start().await, Browser::start().await);
    browser.connect(&app, Brand::Amiqus).await;
    browser.click("#amiqus .second button").await;
    browser.see_provider(Brand::Amiqus).await;
    browser.press_approve().await;
    let form = "#amiqus-second [action^='/refresh']";
    browser.find(form).await;
    browser
        .change_action(form, "/refresh/amiqus?x=1&account=second")
        .await;
    browser.click(&format!("{form} button")).await;
    browser.see("#amiqus-second .refreshed", "ago").await;
    browser.see("#amiqus .refreshed", "None").await;
    browser.quit().await;
}
