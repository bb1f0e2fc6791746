//! Accessibility, by axe-core.

use tokenkeeper_browser_tests::{App, Browser, Settings};

use crate::pages::{visit_all, visit_outage};

#[tokio::test]
async fn axe_finds_no_violation() {
    run(Settings::default()).await;
}

#[tokio::test]
async fn axe_finds_no_violation_in_the_dark() {
    run(Settings {
        dark: true,
        ..Settings::default()
    })
    .await;
}

#[tokio::test]
async fn axe_finds_no_violation_on_a_phone() {
    run(Settings {
        phone: true,
        ..Settings::default()
    })
    .await;
}

#[tokio::test]
async fn axe_finds_what_is_wrong() {
    let (app, browser) = (App::start().await, Browser::start().await);
    browser.open(&app.url("/")).await;
    browser.run("document.documentElement.lang = '';").await;
    browser
        .run("document.querySelector('h1').style.color = 'silver';")
        .await;
    let violations = browser.violations().await;
    for rule in ["html-has-lang", "color-contrast"] {
        assert!(
            violations.iter().any(|line| line.starts_with(rule)),
            "{violations:#?}"
        );
    }
    browser.quit().await;
}

async fn run(settings: Settings) {
    let browser = Browser::with(settings).await;
    let check = async |page: &str| {
        let violations = browser.violations().await;
        assert!(violations.is_empty(), "{page}: {violations:#?}");
    };
    visit_all(&browser, check).await;
    visit_outage(&browser, check).await;
    browser.quit().await;
}
