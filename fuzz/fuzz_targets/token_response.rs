//! A token endpoint's answer is read or refused, strict and loose, and read tokens can be stored.
#![no_main]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use libfuzzer_sys::fuzz_target;
use tokenkeeper_protocol::{
    Client, Dialect, GrantType, Json, Provider as _, Registration, TokenSet, bytes::Bytes,
    http::Response,
};

fuzz_target!(|input: (u8, &[u8])| {
    let (choice, body) = input;
    let json = if choice & 1 == 0 {
        Json::Strict
    } else {
        Json::Loose
    };
    let status = [200, 201, 302, 400, 401, 403, 429, 500, 503][usize::from(choice >> 1) % 9];
    let response = Response::builder().status(status);
    let response = response
        .body(Bytes::copy_from_slice(body))
        .expect("a response");
    let sent_at = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    match client(json).read_token_response(GrantType::RefreshToken, &response, sent_at) {
        Ok(tokens) => check(&tokens, status, sent_at),
        Err(refusal) => assert!(refusal.to_string().is_ascii()),
    }
});

fn check(tokens: &TokenSet, status: u16, sent_at: SystemTime) {
    assert!(status < 300, "tokens out of a {status}");
    assert!(!tokens.access_token.expose().is_empty());
    assert!(
        tokens
            .refresh_token
            .as_ref()
            .is_none_or(|token| !token.expose().is_empty())
    );
    assert!(tokens.expires_at.is_none_or(|at| at >= sent_at));
    // Times are stored in milliseconds, so the second reading equals the first, not the original.
    let text = serde_json::to_string(tokens).expect("tokens can be stored");
    let stored: TokenSet = serde_json::from_str(&text).expect("stored tokens can be read");
    assert_eq!(
        serde_json::to_string(&stored).expect("tokens can be stored"),
        text
    );
}

fn client(json: Json) -> Client {
    let registration = Registration::new("id", "https://app.example/cb");
    let mut dialect = Dialect::rfc6749("fuzz", "https://login.example").expect("valid");
    dialect.response.json = json;
    dialect.with(registration.secret("s")).expect("valid")
}
