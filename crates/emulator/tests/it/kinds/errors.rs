//! Errors of the token endpoint.

use serde_json::json as value;
use tokenkeeper_emulator::PlainOptions;

use crate::plain::plain;
use crate::support::json;

#[tokio::test]
async fn an_error_can_be_a_number_in_a_200() {
    let vendor = plain(
        PlainOptions::default()
            .errors_in_200()
            .error_at("code")
            .error_text_at("msg")
            .error_code("invalid_grant", 20_037)
            .error_member("data", value!({})),
    );
    let refused = vendor.refresh("unknown").await;
    assert_eq!(refused.status(), 200);
    let text = "the refresh token is unknown";
    assert_eq!(
        json(&refused),
        value!({"code": 20_037, "msg": text, "data": {}})
    );
    // The counters name the error that the code stands for.
    assert_eq!(vendor.counters().outcomes("invalid_grant"), 1);
    assert!(vendor.counters().presentations[0].is_answered());
    let other = vendor.token(&[]).await;
    assert_eq!(json(&other)["code"], "invalid_client");
}

#[tokio::test]
async fn an_error_can_be_an_object() {
    let vendor = plain(
        PlainOptions::default()
            .error_at("error.code")
            .error_text_at("error.message")
            .error_code("invalid_grant", "refresh_token_reused")
            .error_status("invalid_grant", 401)
            .error_member("error.param", value!(null)),
    );
    let refused = vendor.refresh("unknown").await;
    assert_eq!(refused.status(), 401);
    let error = &json(&refused)["error"];
    assert_eq!(error["code"], "refresh_token_reused");
    assert_eq!(error["message"], "the refresh token is unknown");
    assert!(error["param"].is_null());
}

#[tokio::test]
async fn an_error_can_have_another_status_and_text() {
    let options = PlainOptions::default().error_status("invalid_grant", 403);
    let options = options.error_code("invalid_grant", "unauthorized_client");
    let vendor = plain(options.error_text("invalid_grant", "expired"));
    let refused = vendor.refresh("unknown").await;
    assert_eq!(refused.status(), 403);
    let error = value!({"error": "unauthorized_client", "error_description": "expired"});
    assert_eq!(json(&refused), error);
    assert_eq!(vendor.token(&[]).await.status(), 401);
}

#[tokio::test]
async fn an_error_can_be_empty() {
    let vendor = plain(PlainOptions::default().errors_without_body());
    let refused = vendor.refresh("unknown").await;
    assert_eq!(refused.status(), 400);
    assert!(refused.body().is_empty());
    assert_eq!(vendor.counters().outcomes("invalid_grant"), 1);
    assert_eq!(vendor.token(&[]).await.status(), 401);
}
