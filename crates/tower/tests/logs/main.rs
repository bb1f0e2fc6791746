//! What a request without a token writes into the log.

#![allow(clippy::unwrap_used, reason = "a failed setup is a failed test")]

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use tokenkeeper_engine::protocol::Origin;
use tokenkeeper_test_support::{
    log::{self, take_lines},
    offline::{accounts, connected},
};
use tokenkeeper_tower::{Error, Replay, TokenLayer, TokenPolicy};
use tower::{Layer as _, ServiceExt as _, service_fn};

type Body = Empty<Bytes>;

fn get(uri: &str) -> Request<Body> {
    Request::get(uri).body(Body::new()).unwrap()
}

/// Sends the request through the layer, and returns whether it had a token.
async fn send(policy: &TokenPolicy, request: Request<Body>) -> Result<bool, Error> {
    let api = service_fn(async |request: Request<Replay<Body>>| {
        let had_token = request.headers().contains_key("authorization");
        Ok::<_, Infallible>(Response::new(had_token))
    });
    let sent = TokenLayer::new(policy.clone()).layer(api).oneshot(request);
    let sent = sent.await.map(Response::into_body);
    sent.map_err(|error| *error.downcast().unwrap())
}

#[tokio::test]
async fn a_request_elsewhere_warns_once_with_both_origins() {
    log::start();
    let accounts = accounts(&["https://api.example"]);
    let account = connected(&accounts, "plain-0", "alice", "secret-1").await;
    let fixed = TokenPolicy::fixed("secret-2", [Origin::parse("https://api.example").unwrap()]);
    for policy in [TokenPolicy::new(account.clone()), fixed] {
        take_lines();
        assert!(send(&policy, get("https://api.example/me")).await.unwrap());
        assert_eq!(take_lines(), [""; 0]);
        for _ in 0..3 {
            assert!(
                !send(&policy, get("https://other.example/me?q=secret-3"))
                    .await
                    .unwrap()
            );
        }
        let lines = take_lines();
        let [line] = &lines[..] else {
            panic!("{lines:?}");
        };
        for part in [
            " WARN ",
            "origin=https://other.example",
            "https://api.example",
        ] {
            assert!(line.contains(part), "{line}");
        }
        assert!(!line.contains("secret"), "{line}");

        let strict = policy.strict_origins(true);
        let error = send(&strict, get("https://third.example/me"))
            .await
            .unwrap_err();
        let text = error.to_string();
        for part in ["https://third.example", "https://api.example"] {
            assert!(text.contains(part), "{text}");
        }
        assert_eq!(take_lines(), [""; 0], "the caller has the error");
    }
}

#[tokio::test]
async fn a_request_without_an_account_is_no_warning() {
    log::start();
    let accounts = accounts(&["https://api.example"]);
    let account = connected(&accounts, "plain-0", "alice", "secret-1").await;
    let policy = TokenPolicy::per_request(&accounts);
    take_lines();
    assert!(
        !send(&policy, get("https://other.example/me"))
            .await
            .unwrap()
    );
    let lines = take_lines();
    assert!(lines.len() == 1 && lines[0].contains(" INFO "), "{lines:?}");

    let mut request = get("https://third.example/me");
    request.extensions_mut().insert(account);
    assert!(!send(&policy, request).await.unwrap());
    let lines = take_lines();
    assert!(lines.len() == 1 && lines[0].contains(" WARN "), "{lines:?}");
}

#[tokio::test]
async fn visiting_many_origins_writes_a_bounded_number_of_lines() {
    log::start();
    let policy = TokenPolicy::fixed("secret", [Origin::parse("https://api.example").unwrap()]);
    for number in 0..3000 {
        let uri = format!("https://{number}.example/");
        assert!(!send(&policy, get(&uri)).await.unwrap());
    }
    assert_eq!(take_lines().len(), 1024);
}
