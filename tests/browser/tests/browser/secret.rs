//! Tokens, codes and secrets stay between the application and the providers.

use std::cell::RefCell;

use tokenkeeper_browser_tests::Browser;

use crate::pages::visit_all;

#[tokio::test]
async fn no_secret_reaches_the_browser_or_the_log() {
    let browser = Browser::start().await;
    let traces = RefCell::new(Vec::new());
    let secrets = visit_all(&browser, async |page| {
        let found = browser.traces(page).await;
        traces.borrow_mut().extend(found);
    })
    .await;
    // Two apps with their logins, calls and refreshes.
    for (name, at_least) in [
        ("client_secret", 1),
        ("code", 4),
        ("code_verifier", 1),
        ("authorization", 4),
        ("refresh_token", 1),
        ("x-access-token", 2),
        ("x-auth-code", 2),
        ("x-refresh-token", 1),
    ] {
        let count = secrets.count(name);
        assert!(count >= at_least, "{count} secrets in `{name}`");
    }
    for (place, text) in traces.take() {
        secrets.assert_absent_from(&place, &text);
    }
    secrets.assert_absent_from_log();
    browser.quit().await;
}
