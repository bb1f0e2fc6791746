//! All pages, for what must hold on each.

use tokenkeeper_browser_tests::{Acme, App, Brand, Browser, Secrets};
use tokenkeeper_emulator::{Endpoint, Fault};

/// Leads a person through all pages, and checks each. Returns the secrets that were in play.
pub async fn visit_all(browser: &Browser, check: impl AsyncFn(&str)) -> Secrets {
    let app = App::start().await;
    logins(&app, browser, &check).await;
    failures(&app, browser, &check).await;
    accounts(&app, browser, &check).await;
    let mut secrets = app.secrets();
    let app = App::with_states().await;
    relay(&app, browser, &check).await;
    secrets.extend(app.secrets());
    let acme = Acme::start().await;
    question(&acme, browser, &check).await;
    secrets.extend(acme.secrets());
    secrets
}

/// Leads a person to the page about an outage, whose address keeps the code.
pub async fn visit_outage(browser: &Browser, check: impl AsyncFn(&str)) {
    let app = App::start().await;
    let outage = Fault::TooManyRequests { retry_after: 1 };
    app.emulator(Brand::Amiqus)
        .faults()
        .once(Endpoint::Token, outage);
    browser.start_login(&app, Brand::Amiqus).await;
    browser.press_approve().await;
    browser
        .see("#text", "This does not work at the moment")
        .await;
    check("the page about an outage").await;
}

/// The pages of logins.
async fn logins(app: &App, browser: &Browser, check: &impl AsyncFn(&str)) {
    browser.open(&app.url("/")).await;
    browser.see("header", "0 of 4 connected").await;
    check("the empty dashboard").await;
    browser.open(&app.url("/connect/amiqus")).await;
    browser.see_heading("Connect to Amiqus").await;
    check("the connect page").await;
    browser.start_login(app, Brand::IOffice).await;
    browser.press_approve().await;
    browser.see_question("iOFFICE").await;
    check("the page that asks about a fragment").await;
    browser.click("button[value=cancel]").await;
    browser.see("#text", "You cancelled this login").await;
    check("the page about a cancelled login").await;
}

/// The pages about failures.
async fn failures(app: &App, browser: &Browser, check: &impl AsyncFn(&str)) {
    browser.start_login(app, Brand::Amiqus).await;
    browser.deny().await;
    browser.see("#text", "Access was not given").await;
    check("the page about a denied login").await;
    browser.open(&app.url("/connect/nowhere")).await;
    browser.see_heading("There is no such provider").await;
    check("the page about an unknown provider").await;
}

/// The states of an account.
async fn accounts(app: &App, browser: &Browser, check: &impl AsyncFn(&str)) {
    for brand in Brand::ALL {
        browser.connect(app, brand).await;
    }
    check("the full dashboard").await;
    browser.call(Brand::Amiqus).await;
    browser.see("#amiqus .said", "200 OK").await;
    check("the answer of an API").await;
    for brand in [Brand::Amiqus, Brand::IOffice] {
        browser.press(brand, "refresh").await;
        browser
            .see(&format!("#{} .refreshed", brand.id()), "ago")
            .await;
    }
    check("a refreshed account").await;
    app.emulator(Brand::IOffice).revoke_user("ann@example.com");
    browser.press(Brand::IOffice, "refresh").await;
    browser
        .see_state(Brand::IOffice, "A new login is needed")
        .await;
    check("an account that needs a login").await;
}

/// The relay page at work.
async fn relay(app: &App, browser: &Browser, check: &impl AsyncFn(&str)) {
    let gate = app.emulator(Brand::IOffice).faults().hold(Endpoint::Token);
    browser.start_login(app, Brand::IOffice).await;
    browser.press_approve().await;
    browser.see("#text", "Finishing the login").await;
    check("the relay page").await;
    gate.release();
    browser.see_state(Brand::IOffice, "Healthy").await;
    check("the dashboard after a relay").await;
}

/// The page that asks about a query, and the one that leads on.
async fn question(acme: &Acme, browser: &Browser, check: &impl AsyncFn(&str)) {
    browser.start_at_acme(acme).await;
    browser.press_approve().await;
    browser.see_question("Acme").await;
    check("the page that asks about a query").await;
    browser.click("button[value=connect]").await;
    browser.see_heading("Acme is connected").await;
    check("the page after a question").await;
    browser.open(&acme.url("/connect/acme")).await;
    browser.see("#connected", "You are connected").await;
    check("the connect page of a connected account").await;
}
