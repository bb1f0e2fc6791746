//! The page that asks whether a login is the person's, since its redirect has no state.

use tokenkeeper_browser_tests::{Acme, App, Brand, Browser, Settings};

#[tokio::test]
async fn question_about_a_fragment_can_be_cancelled() {
    let (app, browser) = (App::start().await, Browser::start().await);
    browser.start_login(&app, Brand::IOffice).await;
    browser.press_approve().await;
    browser.see_question("iOFFICE").await;
    browser.find("main.card.failed").await;
    browser.click("button[value=cancel]").await;
    browser.see("#text", "You cancelled this login").await;
    browser.click("#back").await;
    browser.see_state(Brand::IOffice, "Not connected").await;
    assert_eq!(app.emulator(Brand::IOffice).counters().token_requests, 0);
    browser.quit().await;
}

#[tokio::test]
async fn question_about_a_query_can_be_cancelled() {
    let (acme, browser) = (Acme::start().await, Browser::start().await);
    browser.start_at_acme(&acme).await;
    browser.press_approve().await;
    browser.see_question("Acme").await;
    browser.find("main.card.failed").await;
    browser.click("button[value=cancel]").await;
    browser.see("#text", "You cancelled this login").await;
    browser.click("#retry button").await;
    browser.press_approve().await;
    browser.see_question("Acme").await;
    browser.click("button[value=connect]").await;
    browser.see_heading("Acme is connected").await;
    assert_eq!(acme.emulator.counters().exchanges(), 1);
    browser.quit().await;
}

#[tokio::test]
async fn question_needs_no_script_and_survives_a_reload() {
    let no_script = Settings {
        no_script: true,
        ..Settings::default()
    };
    let (acme, browser) = (Acme::start().await, Browser::with(no_script).await);
    browser.start_at_acme(&acme).await;
    browser.press_approve().await;
    browser.see_question("Acme").await;
    browser.reload().await;
    browser.see_question("Acme").await;
    browser.click("button[value=connect]").await;
    browser.see_heading("Acme is connected").await;
    let secrets = acme.secrets();
    assert_eq!(secrets.count("code"), 1);
    for address in browser.history().await {
        secrets.assert_absent_from("the history", &address);
    }
    browser.quit().await;
}

#[tokio::test]
async fn back_button_does_not_ask_again() {
    let browser = Browser::start().await;
    let acme = Acme::start().await;
    browser.start_at_acme(&acme).await;
    browser.press_approve().await;
    browser.see_question("Acme").await;
    browser.click("button[value=connect]").await;
    browser.see_heading("Acme is connected").await;
    // The page that asked leads on, since its login is finished.
    browser.go_back().await;
    browser.see_heading("Acme is connected").await;
    assert_eq!(acme.emulator.counters().exchanges(), 1);

    let app = App::start().await;
    browser.connect(&app, Brand::IOffice).await;
    browser.go_back().await;
    browser.see_state(Brand::IOffice, "Healthy").await;
    let counters = app.emulator(Brand::IOffice).counters();
    assert_eq!(counters.exchanges(), 1);
    browser.quit().await;
}
