//! What a request without a token writes into the log.

#![allow(clippy::unwrap_used, reason = "a failed setup is a failed test")]

use reqwest_middleware::ClientBuilder;
use tokenkeeper_engine::protocol::Origin;
use tokenkeeper_reqwest::{TokenMiddleware, TokenPolicy};
use tokenkeeper_test_support::{
    api::Api,
    log::{self, take_lines},
    reqwest_builder,
};

#[tokio::test]
async fn a_request_elsewhere_warns_once_with_both_origins() {
    log::start();
    let (api, other) = (Api::start().await, Api::start().await);
    let policy = TokenPolicy::fixed("secret-0", [Origin::parse(api.base()).unwrap()]);
    let client = |policy: TokenPolicy| {
        let client = ClientBuilder::new(reqwest_builder().build().unwrap());
        client.with(TokenMiddleware::new(policy).unwrap()).build()
    };
    let lenient = client(policy.clone());
    lenient.get(api.url("/me")).send().await.unwrap();
    assert_eq!(take_lines(), [""; 0]);
    for _ in 0..3 {
        lenient.get(other.url("/me")).send().await.unwrap();
    }
    assert_eq!(api.seen()[0].token(), Some("secret-0"));
    assert!(other.seen().iter().all(|seen| !seen.leaks()));
    let lines = take_lines();
    let [line] = &lines[..] else {
        panic!("{lines:?}");
    };
    for part in [" WARN ", other.base(), api.base()] {
        assert!(line.contains(part), "{line}");
    }

    let strict = client(policy.strict_origins(true));
    let error = strict.get(other.url("/me")).send().await.unwrap_err();
    let text = format!("{error:?}");
    assert!(
        text.contains(other.base()) && text.contains(api.base()),
        "{text}"
    );
    assert_eq!(other.seen().len(), 3);
}
