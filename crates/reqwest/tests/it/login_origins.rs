//! Accounts whose API's origin only their login names.

use async_trait::async_trait;
use http::{Extensions, Response as HttpResponse, header::AUTHORIZATION};
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, Error, Middleware, Next};
use tokenkeeper_engine::Account;
use tokenkeeper_reqwest::TokenMiddleware;
use tokenkeeper_test_support::World;

/// Answers instead of the API, with whether the request carried a token.
struct FakeApi;

#[async_trait]
impl Middleware for FakeApi {
    async fn handle(
        &self,
        request: Request,
        _: &mut Extensions,
        _: Next<'_>,
    ) -> Result<Response, Error> {
        let has_token = request.headers().contains_key(AUTHORIZATION);
        Ok(HttpResponse::new(has_token.to_string()).into())
    }
}

async fn send(account: &Account, target: &str) -> String {
    let client = ClientBuilder::new(crate::support::builder().build().unwrap())
        .with(TokenMiddleware::new(account.clone()).unwrap())
        .with(FakeApi)
        .build();
    let response = client.get(target).send().await.unwrap();
    response.text().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_first_request_reads_the_account_and_carries_its_token() {
    let world = World::with_login_origin().await;
    let other = world.account_elsewhere();
    assert_eq!(send(&other, "https://other.my.force.com/v1").await, "false");
    let account = world.account_elsewhere();
    assert_eq!(send(&account, "https://acme.my.force.com/v1").await, "true");
}
