//! Revocations.

use bytes::Bytes;
use http::Request;
use tokenkeeper_emulator::{PlainOptions, RevokedTokenPlace};

use super::json_request;
use crate::plain::plain;
use crate::support::{bearer_header, form, form_request};

const CLIENT: [(&str, &str); 2] = [("client_id", "app"), ("client_secret", "s3&cret")];

#[tokio::test]
async fn a_revocation_can_have_another_field() {
    let place = RevokedTokenPlace::Form("access_token".to_owned());
    let vendor = plain(PlainOptions::default().revoked_token(place));
    let token = vendor.issue().access_token;
    let named = |name| [CLIENT[0], CLIENT[1], (name, token.as_str())];
    assert_eq!(
        form(&vendor, "/revoke", &named("token")).await.status(),
        400
    );
    assert_eq!(vendor.api(&token).await, 200);
    assert_eq!(
        form(&vendor, "/revoke", &named("access_token"))
            .await
            .status(),
        200
    );
    assert_eq!(vendor.api(&token).await, 401);
}

#[tokio::test]
async fn a_revocation_can_be_json() {
    let place = RevokedTokenPlace::Json("token".to_owned());
    let vendor = plain(PlainOptions::default().revoked_token(place));
    let tokens = vendor.issue();
    let pairs = [
        CLIENT[0],
        CLIENT[1],
        ("token", tokens.refresh_token.as_str()),
    ];
    assert_eq!(
        vendor.send(form_request("/revoke", &pairs)).await.status(),
        400
    );
    let unknown = json_request("/revoke", &pairs[2..]);
    assert_eq!(vendor.send(unknown).await.status(), 401);
    assert_eq!(vendor.api(&tokens.access_token).await, 200);
    assert_eq!(
        vendor.send(json_request("/revoke", &pairs)).await.status(),
        200
    );
    assert_eq!(vendor.api(&tokens.access_token).await, 401);
}

#[tokio::test]
async fn an_access_token_can_revoke_itself() {
    let vendor = plain(PlainOptions::default().revoked_token(RevokedTokenPlace::Bearer));
    let tokens = vendor.issue();
    let revoke = async |token: &str| {
        let (name, value) = bearer_header(token);
        let request = Request::post("/revoke").header(name, value);
        vendor
            .send(request.body(Bytes::new()).unwrap())
            .await
            .status()
    };
    assert_eq!(revoke(&tokens.refresh_token).await, 401);
    assert_eq!(revoke(&tokens.access_token).await, 200);
    assert_eq!(vendor.api(&tokens.access_token).await, 401);
    assert_eq!(revoke(&tokens.access_token).await, 401);
    assert_eq!(vendor.refresh(&tokens.refresh_token).await.status(), 200);
    let pairs = [
        CLIENT[0],
        CLIENT[1],
        ("token", tokens.access_token.as_str()),
    ];
    assert_eq!(form(&vendor, "/revoke", &pairs).await.status(), 401);
}

#[tokio::test]
async fn a_revocation_has_the_names_of_token_requests() {
    let vendor = plain(PlainOptions::default().parameter_name("client_id", "client_key"));
    let token = vendor.issue().access_token;
    for (name, status) in [("client_id", 401), ("client_key", 200)] {
        let pairs = [(name, "app"), CLIENT[1], ("token", token.as_str())];
        for path in ["/revoke", "/introspect"] {
            assert_eq!(form(&vendor, path, &pairs).await.status(), status, "{path}");
        }
    }
}
