//! The redirect.

use tokenkeeper_emulator::{Emulator, PlainOptions, RegisteredClient, ResponseMode};

use crate::plain::{REQUESTS, plain};
use crate::support::{CALLBACK, Vendor, body, json, query};

#[tokio::test]
async fn a_page_posts_the_response() {
    let options = PlainOptions::default().response_mode(ResponseMode::FormPost);
    let vendor = plain(options.issuer());
    let state = ("state", "\"><script>");
    let page = vendor.authorize(&[("approve", "1"), state]).await;
    assert_eq!(page.status(), 200);
    assert_eq!(page.headers()["cache-control"], "no-store");
    let html = body(&page);
    assert!(
        html.contains(&format!("<form method=post action=\"{CALLBACK}\">")),
        "{html}"
    );
    assert!(
        html.contains("name=\"state\" value=\"&quot;&gt;&lt;script&gt;\""),
        "{html}"
    );
    assert!(html.contains("name=\"iss\""), "{html}");
    let (_, after) = html.split_once("name=\"code\" value=\"").unwrap();
    let (code, _) = after.split_once('"').unwrap();
    assert_eq!(vendor.exchange(code).await.status(), 200);

    let denied = vendor.authorize(&[("deny", "1")]).await;
    assert!(body(&denied).contains("name=\"error\" value=\"access_denied\""));
}

#[tokio::test]
async fn a_fragment_has_the_response() {
    let vendor = plain(PlainOptions::default().response_mode(ResponseMode::Fragment));
    let to = vendor.redirect(&[("approve", "1")]).await;
    let fragment = to.strip_prefix(&format!("{CALLBACK}#")).unwrap();
    assert!(
        fragment.starts_with("code=") && fragment.ends_with("&state=s"),
        "{to}"
    );
}

#[tokio::test]
async fn another_response_mode_is_refused() {
    for (mode, name) in [
        (ResponseMode::Query, "query"),
        (ResponseMode::Fragment, "fragment"),
        (ResponseMode::FormPost, "form_post"),
    ] {
        let vendor = plain(PlainOptions::default().response_mode(mode));
        for asked in ["query", "fragment", "form_post"] {
            let pairs = [("response_mode", asked), ("approve", "1")];
            let response = vendor.authorize(&pairs).await;
            let to = response.headers().get("location");
            let to = to.map_or_else(|| body(&response), |to| to.to_str().unwrap());
            assert_eq!(
                to.contains("invalid_request"),
                asked != name,
                "{mode:?}: {to}"
            );
        }
    }
}

#[tokio::test]
async fn a_redirect_with_a_code_has_more_parameters() {
    let options = PlainOptions::default().redirect_parameter("realmId", "93 4");
    let vendor = plain(options.redirect_parameter("env", "live"));
    let to = vendor.redirect(&[("approve", "1")]).await;
    assert_eq!(query(&to, "realmId").unwrap(), "93 4");
    assert_eq!(query(&to, "env").unwrap(), "live");
    let denied = vendor.redirect(&[("deny", "1")]).await;
    assert_eq!(query(&denied, "realmId"), None);
}

#[tokio::test]
async fn a_redirect_can_have_other_names() {
    let vendor = plain(
        PlainOptions::default()
            .redirect_name("code", "spapi_oauth_code")
            .redirect_name("state", "amazon_state")
            .redirect_name("error", "failure"),
    );
    let to = vendor.redirect(&[("approve", "1")]).await;
    assert_eq!((query(&to, "code"), query(&to, "state")), (None, None));
    assert_eq!(query(&to, "amazon_state").unwrap(), "s");
    let code = query(&to, "spapi_oauth_code").unwrap();
    assert_eq!(vendor.exchange(&code).await.status(), 200);
    let denied = vendor.redirect(&[("deny", "1")]).await;
    assert_eq!(query(&denied, "failure").unwrap(), "access_denied");
    assert_eq!(query(&denied, "error"), None);
}

#[tokio::test]
async fn a_denial_can_lack_the_state() {
    let vendor = plain(PlainOptions::default().omit_state_on_denial());
    let approved = vendor.redirect(&[("approve", "1")]).await;
    assert_eq!(query(&approved, "state").unwrap(), "s");
    let denied = vendor.redirect(&[("deny", "1")]).await;
    assert_eq!(query(&denied, "state"), None);
}

#[tokio::test]
async fn a_loopback_redirect_may_have_any_port() {
    let native = RegisteredClient::new("app").redirect_uri("http://127.0.0.1/cb");
    for (options, any) in [
        (PlainOptions::default(), false),
        (PlainOptions::default().any_loopback_port(), true),
    ] {
        let emulator = Emulator::plain().options(options).client(native.clone());
        let vendor = Vendor {
            emulator: emulator.in_process(),
            requests: REQUESTS,
        };
        let uri = "http://127.0.0.1:51004/cb";
        let pairs = [("redirect_uri", uri), ("approve", "1")];
        let response = vendor.authorize(&pairs).await;
        assert_eq!(response.status(), if any { 302 } else { 400 });
        if any {
            let to = response.headers()["location"].to_str().unwrap();
            assert!(to.starts_with(uri), "{to}");
            let code = query(to, "code").unwrap();
            let pairs = [
                ("grant_type", "authorization_code"),
                ("client_id", "app"),
                ("code", &code),
                ("redirect_uri", uri),
            ];
            assert_eq!(json(&vendor.token(&pairs).await)["token_type"], "Bearer");
        }
    }
}
