//! gRPC's statuses, which a client of reqwest may read too.

use async_trait::async_trait;
use http::{Extensions, Response as HttpResponse, header::AUTHORIZATION};
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, Error, Middleware, Next};
use tokenkeeper_reqwest::TokenMiddleware;
use tokenkeeper_test_support::{BASE, World};

use crate::support::builder;

/// Answers instead of the API, and refuses the first token.
struct FakeApi {
    first: String,
}

#[async_trait]
impl Middleware for FakeApi {
    async fn handle(
        &self,
        request: Request,
        _: &mut Extensions,
        _: Next<'_>,
    ) -> Result<Response, Error> {
        let is_first = request.headers()[AUTHORIZATION] == self.first;
        let head = HttpResponse::builder().header("content-type", "application/grpc");
        let head = head.header("grpc-status", if is_first { "16" } else { "0" });
        Ok(head.body("").expect("the head is valid").into())
    }
}

#[tokio::test(start_paused = true)]
async fn unauthenticated_in_the_head_is_refreshed_and_replayed() {
    let world = World::plain();
    let account = world.connect_account().await;
    let first = format!("Bearer {}", account.token().await.unwrap().expose());
    let client = ClientBuilder::new(builder().build().unwrap())
        .with(TokenMiddleware::new(account).unwrap())
        .with(FakeApi { first })
        .build();
    let call = client.post(format!("{BASE}/service/method"));
    let response = call.body("a message").send().await.unwrap();
    assert_eq!(response.headers()["grpc-status"], "0");
    assert_eq!(world.token_requests(), 1);
}
