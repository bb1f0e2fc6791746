//! Answers with tokens.

use bytes::Bytes;
use http::Response;
use serde_json::json as value;
use tokenkeeper_emulator::{AnswerFormat, Endpoint, ExpiryUnit, Fault, PlainOptions};

use super::tokens;
use crate::plain::{REQUESTS, plain};
use crate::support::{form_request, json, query, set, text};

#[tokio::test]
async fn the_tokens_can_be_in_an_object() {
    let options = PlainOptions::default().tokens_at("authed_user.oauth");
    let vendor = plain(
        options
            .member("ok", true)
            .member("authed_user.id", "U1")
            .code_member("team.id", "T1")
            .token_type("user"),
    );
    let answer = tokens(&vendor).await;
    assert_eq!(answer["ok"], true);
    assert_eq!(answer["team"], value!({"id": "T1"}));
    assert_eq!(answer["authed_user"]["id"], "U1");
    assert_eq!(answer.get("access_token"), None);
    let nested = &answer["authed_user"]["oauth"];
    assert_eq!(nested["expires_in"], 3600);
    assert_eq!(nested["token_type"], "user");
    assert_eq!(vendor.api(&text(nested, "access_token")).await, 200);

    let refreshed = json(&vendor.refresh(&text(nested, "refresh_token")).await);
    assert_eq!(refreshed["authed_user"]["id"], "U1");
    assert_eq!(refreshed.get("team"), None);
    assert!(refreshed["authed_user"]["oauth"]["refresh_token"].is_string());
}

#[tokio::test]
async fn the_tokens_of_a_refresh_can_be_elsewhere() {
    let options = PlainOptions::default().tokens_at("authed_user");
    let vendor = plain(options.refresh_tokens_at(""));
    let nested = &tokens(&vendor).await["authed_user"];
    let refreshed = json(&vendor.refresh(&text(nested, "refresh_token")).await);
    assert_eq!(vendor.api(&text(&refreshed, "access_token")).await, 200);
    assert_eq!(refreshed.get("authed_user"), None);
}

#[tokio::test]
async fn the_expiry_can_have_another_unit() {
    for (unit, expiry) in [
        (ExpiryUnit::Seconds, 3600),
        (ExpiryUnit::Milliseconds, 3_600_000),
        (ExpiryUnit::EpochSeconds, 1_800_003_600),
        (ExpiryUnit::EpochMilliseconds, 1_800_003_600_000_u64),
    ] {
        let options = PlainOptions::default().expiry_unit(unit);
        let vendor = plain(options.member_name("expires_in", "expires_at"));
        assert_eq!(tokens(&vendor).await["expires_at"], expiry, "{unit:?}");
    }
}

#[tokio::test]
async fn the_scope_can_be_a_list() {
    let vendor = plain(PlainOptions::default().scope_list());
    let to = vendor.redirect(&[("scope", "a b"), ("approve", "1")]).await;
    let answer = json(&vendor.exchange(&query(&to, "code").unwrap()).await);
    assert_eq!(answer["scope"], value!(["a", "b"]));
}

#[tokio::test]
async fn members_can_have_other_names() {
    let vendor = plain(
        PlainOptions::default()
            .member_name("access_token", "accessToken")
            .member_name("refresh_token", "refreshToken")
            .member_name("expires_in", "ttl")
            .member_name("token_type", "kind")
            .member_name("scope", "permissions"),
    );
    let to = vendor.redirect(&[("scope", "a"), ("approve", "1")]).await;
    let answer = json(&vendor.exchange(&query(&to, "code").unwrap()).await);
    let mut names: Vec<_> = answer.as_object().unwrap().keys().collect();
    names.sort();
    let renamed = ["accessToken", "kind", "permissions", "refreshToken", "ttl"];
    assert_eq!(names, renamed);
}

#[tokio::test]
async fn an_answer_can_be_a_form() {
    let options = PlainOptions::default().answer_format(AnswerFormat::Form);
    let vendor = plain(options.member("name", "a&b").tokens_at("data"));
    let code = vendor.code().await;
    let answer = vendor.exchange(&code).await;
    let form = "application/x-www-form-urlencoded";
    assert_eq!(answer.headers()["content-type"], form);
    let member = |name| read_form(&answer, name);
    assert_eq!(member("name").unwrap(), "a&b");
    assert_eq!(member("expires_in").unwrap(), "3600");
    assert_eq!(member("token_type").unwrap(), "Bearer");
    let token = member("access_token").unwrap();
    assert_eq!(vendor.api(&token).await, 200);
    let refused = vendor.exchange(&code).await;
    assert_eq!(read_form(&refused, "error").unwrap(), "invalid_grant");
}

#[tokio::test]
async fn an_answer_is_json_if_the_request_accepts_it() {
    let vendor = plain(PlainOptions::default().answer_format(AnswerFormat::Negotiated));
    for (accept, json) in [
        (None, false),
        (Some("*/*"), false),
        (Some("application/json"), true),
        (Some("text/html, application/json;q=0.9"), true),
    ] {
        let token = vendor.issue().refresh_token;
        let mut request = form_request("/token", &(REQUESTS.refresh)(&token));
        if let Some(accept) = accept {
            set(&mut request, "accept", accept);
        }
        let answer = vendor.send(request).await;
        assert_eq!(
            answer.headers()["content-type"] == "application/json",
            json,
            "{accept:?}"
        );
        assert_eq!(answer.body().starts_with(b"{"), json);
    }
}

#[tokio::test]
async fn an_answer_can_be_compressed() {
    let vendor = plain(PlainOptions::default().gzip_answers().errors_in_200());
    let answer = vendor.refresh(&vendor.issue().refresh_token).await;
    assert_eq!(answer.headers()["content-encoding"], "gzip");
    let tokens: serde_json::Value = serde_json::from_slice(&stored(answer.body())).unwrap();
    assert_eq!(vendor.api(&text(&tokens, "access_token")).await, 200);
    let refused = vendor.refresh("unknown").await;
    assert!(stored(refused.body()).starts_with(b"{\"error\":\"invalid_grant\""));

    // A fault is inside, and one that replaces the response is not compressed.
    vendor.once(Endpoint::Token, Fault::field("expires_in", 7));
    let answer = vendor.refresh(&vendor.issue().refresh_token).await;
    let tokens: serde_json::Value = serde_json::from_slice(&stored(answer.body())).unwrap();
    assert_eq!(tokens["expires_in"], 7);
    let plain = Response::new(Bytes::from("plain"));
    vendor.once(Endpoint::Token, Fault::AnswerInstead(plain));
    let answer = vendor.refresh(&vendor.issue().refresh_token).await;
    assert_eq!(answer.headers().get("content-encoding"), None);
    assert_eq!(answer.body(), "plain");
}

#[tokio::test]
async fn a_fault_reaches_a_nested_member() {
    let vendor = plain(PlainOptions::default().tokens_at("data"));
    vendor.once(Endpoint::Token, Fault::field("data.token_type", "DPoP"));
    let answer = tokens(&vendor).await;
    assert_eq!(answer["data"]["token_type"], "DPoP");
    let without = Fault::Without("data.refresh_token".to_owned());
    vendor.once(Endpoint::Token, without);
    let answer = tokens(&vendor).await;
    assert!(answer["data"]["access_token"].is_string());
    assert_eq!(answer["data"].get("refresh_token"), None);
}

#[tokio::test]
async fn a_latin_1_member_leaves_the_tokens_readable() {
    let vendor = plain(PlainOptions::default());
    vendor.once(Endpoint::Token, Fault::Latin1);
    let answer = vendor.refresh(&vendor.issue().refresh_token).await;
    assert!(std::str::from_utf8(answer.body()).is_err());
    let name = b"\"name\":\"Ren\xe9\"";
    assert!(answer.body().windows(name.len()).any(|bytes| bytes == name));
    let lossy = String::from_utf8_lossy(answer.body());
    let tokens: serde_json::Value = serde_json::from_str(&lossy).unwrap();
    assert_eq!(vendor.api(&text(&tokens, "access_token")).await, 200);
    assert_eq!(vendor.counters().outcomes("granted"), 1);
}

fn read_form(response: &Response<Bytes>, name: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(response.body());
    pairs
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

/// Reads a gzip member with one stored block (RFC 1952 §2.3, RFC 1951 §3.2.4).
fn stored(member: &[u8]) -> Vec<u8> {
    assert_eq!(member[..4], [0x1f, 0x8b, 8, 0]);
    assert_eq!(member[10], 1, "the last block, and a stored one");
    let length = usize::from(u16::from_le_bytes([member[11], member[12]]));
    assert_eq!(member.len(), 15 + length + 8);
    let size = u32::try_from(length).unwrap().to_le_bytes();
    assert_eq!(member[15 + length + 4..], size);
    member[15..15 + length].to_vec()
}
