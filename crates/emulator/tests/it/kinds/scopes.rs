//! Lists of scopes.

use serde_json::json as value;
use tokenkeeper_emulator::PlainOptions;

use crate::plain::plain;
use crate::support::{error, json, query, text};

#[tokio::test]
async fn a_comma_can_separate_scopes() {
    let vendor = plain(PlainOptions::default().scope_separator(','));
    let spaces = vendor.redirect(&[("scope", "a b"), ("approve", "1")]).await;
    assert_eq!(query(&spaces, "error").unwrap(), "invalid_scope");
    let commas = vendor.redirect(&[("scope", "a,b"), ("approve", "1")]).await;
    let tokens = json(&vendor.exchange(&query(&commas, "code").unwrap()).await);
    assert_eq!(tokens["scope"], "a,b");
    let refresh_token = text(&tokens, "refresh_token");
    let more = vendor
        .refresh_with(&refresh_token, &[("scope", "a,c")])
        .await;
    assert_eq!(error(&more), "invalid_scope");
    let fewer = vendor.refresh_with(&refresh_token, &[("scope", "b")]).await;
    assert_eq!(json(&fewer)["scope"], "b");
}

#[tokio::test]
async fn a_scope_has_only_characters_of_the_rfc() {
    let vendor = plain(PlainOptions::default());
    for wrong in ["a  b", " a", "a\u{e9}", "\"", "a\\"] {
        let refused = vendor.redirect(&[("scope", wrong), ("approve", "1")]).await;
        assert_eq!(
            query(&refused, "error").unwrap(),
            "invalid_scope",
            "{wrong:?}"
        );
    }
    let commas = vendor.redirect(&[("scope", "a,b"), ("approve", "1")]).await;
    assert!(query(&commas, "code").is_some());
}

#[tokio::test]
async fn a_second_parameter_can_have_scopes() {
    let options = PlainOptions::default().scope_separator(',');
    let vendor = plain(options.further_scope("user_scope").tokens_at("user"));
    let both = [
        ("scope", "bot"),
        ("user_scope", "chat,files"),
        ("approve", "1"),
    ];
    let code = query(&vendor.redirect(&both).await, "code").unwrap();
    let tokens = json(&vendor.exchange(&code).await);
    assert_eq!(tokens["user_scope"], "chat,files");
    assert_eq!(tokens["user"]["scope"], "bot");
    let refreshed = json(
        &vendor
            .refresh(&text(&tokens["user"], "refresh_token"))
            .await,
    );
    assert_eq!(refreshed.get("user_scope"), None);
    assert_eq!(refreshed["user"]["scope"], value!("bot"));
}
