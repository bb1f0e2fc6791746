//! What the pages may do, and who may ask for them.

use tokenkeeper_engine::protocol::ResponseMode;

use crate::world::World;

const CALLBACK: &str = "http://127.0.0.1/callback";

#[tokio::test]
async fn every_page_loads_nothing_and_is_not_kept() {
    let world = World::new(CALLBACK);
    let (_started, browser, location) = world.start().await;
    let origin = location.split("/callback").next().unwrap();
    let ended = browser.get(&location).await.url;
    for url in [
        &format!("{origin}/callback"),
        &ended,
        &format!("{origin}/elsewhere"),
    ] {
        let page = browser.get(url).await;
        assert!(
            page.header("content-security-policy")
                .contains("default-src 'none'")
        );
        assert!(
            !page
                .header("content-security-policy")
                .contains("script-src")
        );
        assert_eq!(page.header("cache-control"), "no-store");
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
    }
}

#[tokio::test]
async fn only_the_relays_own_script_runs() {
    let world = World::answering(CALLBACK, ResponseMode::Fragment);
    let (_started, browser, location) = world.start().await;
    let callback = location.split('#').next().unwrap();
    let (first, second) = (browser.get(callback).await, browser.get(callback).await);
    let policy = first.header("content-security-policy");
    assert!(policy.contains("script-src 'nonce-"), "{policy}");
    assert_ne!(policy, second.header("content-security-policy"));
}

#[tokio::test]
async fn a_request_to_another_host_is_refused() {
    let world = World::new(CALLBACK);
    let (_started, browser, location) = world.start().await;
    let page = browser.get_as("rebound.example", &location).await;
    assert_eq!(page.status, 421);
    assert_eq!(world.emulator.counters().token_requests, 0);
}

#[tokio::test]
async fn a_head_request_takes_no_code() {
    let world = World::new(CALLBACK);
    let (_started, browser, location) = world.start().await;
    assert_eq!(browser.head(&location).await.status, 405);
    assert_eq!(world.emulator.counters().token_requests, 0);
}

#[tokio::test]
async fn an_application_may_bring_its_own_page() {
    let world = World::new(CALLBACK);
    let html = "<!doctype html><title>Done</title><p>Welcome to acme-cli.</p>";
    let started = world.login().page(html).start().await.unwrap();
    let location = world.approve(&started).await;
    let page = crate::browser::Browser::new().get(&location).await;
    assert_eq!(page.text, html);
}

#[tokio::test]
async fn no_page_shows_a_text_of_the_request_as_html() {
    let world = World::new(CALLBACK);
    let (_started, browser, location) = world.start().await;
    let state = location
        .split("state=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap();
    let callback = location.split('?').next().unwrap();
    let text = "error=%3Cscript%3Ealert(1)%3C/script%3E&error_description=%3Cimg%20src%3Dx%3E";
    let page = browser
        .get(&format!("{callback}?{text}&state={state}"))
        .await;
    assert!(
        !page.text.contains("<script") && !page.text.contains("<img"),
        "{}",
        page.text
    );
}
