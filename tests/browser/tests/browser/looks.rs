//! The width of a phone, and the person's colour scheme.

use tokenkeeper_browser_tests::{App, Browser, Settings};

use crate::pages::{visit_all, visit_outage};

#[tokio::test]
async fn no_page_is_wider_than_a_phone() {
    let phone = Settings {
        phone: true,
        ..Settings::default()
    };
    let browser = Browser::with(phone).await;
    let check = async |page: &str| {
        assert_eq!(browser.width().await, 390, "the window at {page}");
        assert_eq!(browser.overflow().await, 0, "{page} scrolls sideways");
    };
    visit_all(&browser, check).await;
    visit_outage(&browser, check).await;
    browser.quit().await;
}

#[tokio::test]
async fn pages_follow_the_colour_scheme() {
    let app = App::start().await;
    for dark in [false, true] {
        let browser = Browser::with(Settings {
            dark,
            ..Settings::default()
        })
        .await;
        for path in ["/", "/connect/amiqus", "/connect/nowhere"] {
            browser.open(&app.url(path)).await;
            let (background, text) = browser.brightness().await;
            let (darker, lighter) = if dark {
                (background, text)
            } else {
                (text, background)
            };
            assert!(darker < 64.0 && lighter > 192.0, "{path}, dark: {dark}");
        }
        browser.quit().await;
    }
}
