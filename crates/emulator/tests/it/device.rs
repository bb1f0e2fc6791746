//! Login by device code at the plain provider (RFC 8628).

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tokenkeeper_emulator::{
    DEFAULT_USER, Emulator, Endpoint, Error, Fault, PlainOptions, RegisteredClient,
};

use crate::support::{body, client, error, form_request, frozen, json, text};

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";

fn emulator(options: PlainOptions) -> Emulator {
    let builder = Emulator::plain().options(options).client(client());
    let public = RegisteredClient::new("public");
    builder.client(public).clock(frozen).in_process()
}

async fn post(emulator: &Emulator, path: &str, pairs: &[(&str, &str)]) -> Response<Bytes> {
    emulator.call(form_request(path, pairs)).await.unwrap()
}

async fn authorize(emulator: &Emulator) -> serde_json::Value {
    let pairs = [("client_id", "public"), ("scope", "read write")];
    let response = post(emulator, "/device_authorization", &pairs).await;
    assert_eq!(response.status(), StatusCode::OK);
    json(&response)
}

async fn poll(emulator: &Emulator, device_code: &str) -> Response<Bytes> {
    poll_as(emulator, "public", device_code).await
}

async fn poll_as(emulator: &Emulator, client: &str, device_code: &str) -> Response<Bytes> {
    let pairs = [
        ("grant_type", GRANT_TYPE),
        ("client_id", client),
        ("device_code", device_code),
    ];
    post(emulator, "/token", &pairs).await
}

const INTERVAL: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_device_gets_tokens_once_a_person_approves() {
    let emulator = emulator(PlainOptions::default());
    let device = authorize(&emulator).await;
    assert_eq!(device["expires_in"], 1800);
    assert_eq!(device["interval"], 5);
    assert_eq!(device["verification_uri"], "http://localhost:1/device");
    let (code, user_code) = (text(&device, "device_code"), text(&device, "user_code"));
    assert_eq!(
        error(&poll(&emulator, &code).await),
        "authorization_pending"
    );
    // People type it as they like.
    let typed = user_code.to_lowercase().replace('-', " ");
    emulator.approve_device(&typed, DEFAULT_USER).unwrap();
    emulator.advance(INTERVAL);
    let tokens = json(&poll(&emulator, &code).await);
    assert_eq!(tokens["scope"], "read write");
    assert!(tokens["access_token"].is_string() && tokens["refresh_token"].is_string());
    emulator.advance(INTERVAL);
    assert_eq!(error(&poll(&emulator, &code).await), "invalid_grant");
    let counters = emulator.counters();
    assert_eq!((counters.device_authorizations, counters.polls()), (1, 3));
}

#[tokio::test]
async fn each_fast_poll_lengthens_the_interval() {
    let emulator = emulator(PlainOptions::default());
    let code = text(&authorize(&emulator).await, "device_code");
    assert_eq!(
        error(&poll(&emulator, &code).await),
        "authorization_pending"
    );
    for (pause, expected) in [
        (4, "slow_down"),
        (9, "slow_down"),
        (14, "slow_down"),
        (20, "authorization_pending"),
        (20, "authorization_pending"),
    ] {
        emulator.advance(Duration::from_secs(pause));
        assert_eq!(error(&poll(&emulator, &code).await), expected, "{pause} s");
    }
}

#[tokio::test]
async fn a_denied_or_expired_device_gets_no_tokens() {
    let lifetime = Duration::from_secs(60);
    let emulator = emulator(PlainOptions::default().device_code_lifetime(lifetime));
    let device = authorize(&emulator).await;
    let user_code = text(&device, "user_code");
    emulator.deny_device(&user_code).unwrap();
    let denied = poll(&emulator, &text(&device, "device_code")).await;
    assert_eq!(error(&denied), "access_denied");
    let twice = emulator.approve_device(&user_code, DEFAULT_USER);
    assert!(matches!(twice, Err(Error::UnknownUserCode { .. })));

    let device = authorize(&emulator).await;
    emulator.advance(lifetime);
    let late = emulator.approve_device(&text(&device, "user_code"), DEFAULT_USER);
    assert!(matches!(late, Err(Error::UnknownUserCode { .. })));
    let expired = poll(&emulator, &text(&device, "device_code")).await;
    assert_eq!(error(&expired), "expired_token");
}

#[tokio::test]
async fn a_device_code_is_its_clients_and_known() {
    let emulator = emulator(PlainOptions::default());
    let device = authorize(&emulator).await;
    let code = text(&device, "device_code");
    emulator
        .approve_device(&text(&device, "user_code"), DEFAULT_USER)
        .unwrap();
    let foreign = [
        ("grant_type", GRANT_TYPE),
        ("client_id", "app"),
        ("client_secret", "s3&cret"),
        ("device_code", &code),
    ];
    assert_eq!(
        error(&post(&emulator, "/token", &foreign).await),
        "invalid_grant"
    );
    assert_eq!(error(&poll(&emulator, "unknown").await), "invalid_grant");
    assert_eq!(
        error(&poll_as(&emulator, "unknown", &code).await),
        "invalid_client"
    );
    let without = [("grant_type", GRANT_TYPE), ("client_id", "public")];
    assert_eq!(
        error(&post(&emulator, "/token", &without).await),
        "invalid_request"
    );
    // The right client still gets its tokens.
    assert_eq!(poll(&emulator, &code).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_person_decides_on_the_verification_page() {
    let emulator = emulator(PlainOptions::default());
    let page = |query: &str| {
        let request = Request::get(format!("/device{query}")).body(Bytes::new());
        let (emulator, request) = (emulator.clone(), request.unwrap());
        async move { body(&emulator.call(request).await.unwrap()).to_owned() }
    };
    let device = authorize(&emulator).await;
    let user_code = text(&device, "user_code");
    assert!(page("").await.contains("name=user_code"));
    let unknown = page("?user_code=%3Cb%3E").await;
    assert!(
        unknown.contains("No device waits") && unknown.contains("&lt;b&gt;"),
        "{unknown}"
    );
    let asked = page(&format!("?user_code={user_code}")).await;
    assert!(
        asked.contains("public") && asked.contains("read write"),
        "{asked}"
    );

    let decide = |more: &'static str| {
        let pairs = [("user_code", user_code.as_str()), (more, DEFAULT_USER)];
        let request = form_request("/device", &pairs);
        let emulator = emulator.clone();
        async move { emulator.call(request).await.unwrap().status() }
    };
    assert_eq!(decide("other").await, StatusCode::BAD_REQUEST);
    assert_eq!(decide("approve").await, StatusCode::OK);
    assert_eq!(decide("approve").await, StatusCode::BAD_REQUEST);
    let tokens = poll(&emulator, &text(&device, "device_code")).await;
    assert_eq!(tokens.status(), StatusCode::OK);

    let device = authorize(&emulator).await;
    let pairs = [
        ("user_code", text(&device, "user_code")),
        ("deny", "1".to_owned()),
    ];
    let pairs = pairs
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    assert_eq!(
        post(&emulator, "/device", &pairs).await.status(),
        StatusCode::OK
    );
    let denied = poll(&emulator, &text(&device, "device_code")).await;
    assert_eq!(error(&denied), "access_denied");
}

#[tokio::test]
async fn kinds_of_device_endpoints_and_their_faults() {
    let options = PlainOptions::default()
        .verification_url()
        .omit_device_interval()
        .device_interval(Duration::from_secs(30))
        .path(Endpoint::DeviceAuthorization, "/codes");
    let emulator = emulator(options);
    let faults = emulator.faults();
    faults.once(Endpoint::DeviceAuthorization, Fault::ServerError);
    let pairs = [("client_id", "public")];
    assert_eq!(post(&emulator, "/codes", &pairs).await.status(), 500);
    let device = json(&post(&emulator, "/codes", &pairs).await);
    assert!(device["verification_url"].is_string() && device["verification_uri"].is_null());
    assert!(device["interval"].is_null());
    let code = text(&device, "device_code");
    poll(&emulator, &code).await;
    emulator.advance(INTERVAL);
    assert_eq!(error(&poll(&emulator, &code).await), "slow_down");
    let unknown = post(&emulator, "/codes", &[("client_id", "unknown")]).await;
    assert_eq!(error(&unknown), "invalid_client");
}
