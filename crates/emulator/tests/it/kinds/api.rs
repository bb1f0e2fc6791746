//! The API: how it takes a token, what it requires, and where it is.

use bytes::Bytes;
use http::Request;
use tokenkeeper_emulator::{ApiCredential, Emulator, Endpoint, PlainOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::tokens;
use crate::plain::{REQUESTS, plain};
use crate::support::{Vendor, bearer_header, client, get_with, json, query, text};

#[tokio::test]
async fn the_api_takes_a_token_in_one_place() {
    let header = |name, value: String| (Some((name, value)), "/api/me".to_owned());
    let places = |token: &str| {
        [
            header("authorization", format!("Bearer {token}")),
            header("authorization", format!("Zoho-oauthtoken {token}")),
            header("x-access-token", token.to_owned()),
            (None, format!("/api/me?access_token={token}")),
        ]
    };
    for (accepted, credential) in [
        ApiCredential::Bearer,
        ApiCredential::Scheme("Zoho-oauthtoken".to_owned()),
        ApiCredential::Header("X-Access-Token".to_owned()),
        ApiCredential::Query("access_token".to_owned()),
    ]
    .into_iter()
    .enumerate()
    {
        let vendor = plain(PlainOptions::default().api_credential(credential.clone()));
        let token = vendor.issue().access_token;
        for (place, (header, path)) in places(&token).into_iter().enumerate() {
            let headers: Vec<_> = header
                .iter()
                .map(|(name, value)| (*name, &**value))
                .collect();
            let response = get_with(&vendor, &path, &headers).await;
            let status = if place == accepted { 200 } else { 401 };
            assert_eq!(response.status(), status, "{credential:?}, {place}");
        }
    }
}

#[tokio::test]
async fn a_scheme_is_that_of_the_challenge() {
    let scheme = ApiCredential::Scheme("Zoho-oauthtoken".to_owned());
    let vendor = plain(PlainOptions::default().api_credential(scheme));
    let wrong = [("authorization", "Zoho-oauthtoken wrong")];
    let response = get_with(&vendor, "/api/me", &wrong).await;
    let challenge = response.headers()["www-authenticate"].to_str().unwrap();
    assert_eq!(
        challenge,
        "Zoho-oauthtoken realm=\"emulator\", error=\"invalid_token\""
    );
}

#[tokio::test]
async fn the_api_can_require_headers() {
    let options = PlainOptions::default().require_api_header("Notion-Version", "2022-06-28");
    let vendor = plain(options.require_api_header("x-api-key", "app"));
    let (name, bearer) = bearer_header(&vendor.issue().access_token);
    for (version, key, status) in [
        ("2022-06-28", "app", 200),
        ("2021-01-01", "app", 400),
        ("2022-06-28", "web", 400),
    ] {
        let headers = [
            (name, &*bearer),
            ("notion-version", version),
            ("x-api-key", key),
        ];
        assert_eq!(
            get_with(&vendor, "/api/me", &headers).await.status(),
            status
        );
    }
    let without = get_with(&vendor, "/api/me", &[(name, &*bearer)]).await;
    assert_eq!(without.status(), 400);
}

#[tokio::test]
async fn the_api_can_require_a_scope() {
    let vendor = plain(PlainOptions::default().require_api_scope("write"));
    for (scope, status) in [("read write", 200), ("read", 403), ("rewrite", 403)] {
        let to = vendor.redirect(&[("scope", scope), ("approve", "1")]).await;
        let tokens = json(&vendor.exchange(&query(&to, "code").unwrap()).await);
        let response = vendor.call_api(&text(&tokens, "access_token")).await;
        assert_eq!(response.status(), status, "{scope}");
        if status == 403 {
            let challenge = response.headers()["www-authenticate"].to_str().unwrap();
            assert!(challenge.ends_with("error=\"insufficient_scope\", scope=\"write\""));
        }
    }
    assert_eq!(vendor.call_api("unknown").await.status(), 401);
}

#[tokio::test]
async fn only_the_apis_own_server_takes_tokens() {
    let options = PlainOptions::default().api_server_in_answer("instance_url");
    let vendor = plain(options.api_server("https://eu1.example.com"));
    let answer = tokens(&vendor).await;
    assert_eq!(answer["instance_url"], "https://eu1.example.com");
    assert_eq!(vendor.api_base(), Some("https://eu1.example.com"));
    assert_eq!(
        vendor.url(Endpoint::Api).unwrap(),
        "https://eu1.example.com/api/me"
    );

    let (name, bearer) = bearer_header(&text(&answer, "access_token"));
    let call = async |uri: &str, host: &str| {
        let request = Request::get(uri).header(name, &bearer).header("host", host);
        let request = request.body(Bytes::new()).unwrap();
        vendor.send(request).await.status().as_u16()
    };
    let main = vendor.base().strip_prefix("http://").unwrap();
    assert_eq!(call("https://eu1.example.com/api/me", "").await, 200);
    assert_eq!(call("/api/me", "EU1.example.com").await, 200);
    assert_eq!(call("/api/me", main).await, 401);
    assert_eq!(call("https://eu2.example.com/api/me", "").await, 401);
    // It has no other endpoint.
    assert_eq!(call("https://eu1.example.com/authorize", "").await, 404);
    assert_eq!(vendor.counters().api_calls, 4);
    // A refresh tells it again.
    let refreshed = json(&vendor.refresh(&text(&answer, "refresh_token")).await);
    assert_eq!(refreshed["instance_url"], "https://eu1.example.com");
}

#[tokio::test]
async fn a_redirect_can_tell_the_apis_server() {
    let vendor = plain(PlainOptions::default().api_server_in_redirect("api_domain"));
    let to = vendor.redirect(&[("approve", "1")]).await;
    assert_eq!(query(&to, "api_domain").as_deref(), vendor.api_base());
    let denied = vendor.redirect(&[("deny", "1")]).await;
    assert_eq!(query(&denied, "api_domain"), None);
}

#[tokio::test]
async fn the_apis_own_server_listens_on_its_own_port() {
    let options = PlainOptions::default().api_server_in_answer("instance_url");
    let builder = Emulator::plain().options(options).client(client());
    let vendor = Vendor {
        emulator: builder.start().await.unwrap(),
        requests: REQUESTS,
    };
    let answer = tokens(&vendor).await;
    let instance = text(&answer, "instance_url");
    assert_ne!(instance, vendor.base());
    let token = text(&answer, "access_token");
    for (base, status) in [(&*instance, "200"), (vendor.base(), "401")] {
        let address = base.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET /api/me HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
             authorization: Bearer {token}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).await.unwrap();
        assert!(
            response.starts_with(&format!("HTTP/1.1 {status}")),
            "{response}"
        );
    }
}
