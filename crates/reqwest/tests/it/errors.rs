//! Errors are found through what wraps them.

use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, Middleware, Next};
use reqwest_retry::{RetryTransientMiddleware, policies::ExponentialBackoff};
use tokenkeeper_engine::Error as SourceError;
use tokenkeeper_reqwest::Error;

use crate::support::{Api, PLACES, Place, Scripted, builder, client, token_middleware};

#[tokio::test]
async fn the_sources_error_is_found_through_reqwest_middleware() {
    let api = Api::start().await;
    let client = client(Scripted::new(api.base(), Place::Authorization).failing());
    let error = client.get(api.url("/me")).send().await.unwrap_err();
    assert!(matches!(
        SourceError::find(&error),
        Some(SourceError::ShutDown)
    ));
    let reqwest_middleware::Error::Middleware(error) = error else {
        panic!("{error:?}")
    };
    assert!(matches!(
        error.downcast_ref(),
        Some(Error::Token(SourceError::ShutDown))
    ));
    assert!(api.seen().is_empty(), "never sent without a token");
}

#[tokio::test]
async fn the_sources_error_is_found_through_reqwest_retry() {
    let api = Api::start().await;
    let source = Scripted::new(api.base(), Place::Authorization).failing();
    let policy = ExponentialBackoff::builder().build_with_max_retries(3);
    let client = ClientBuilder::new(builder().build().unwrap())
        .with(RetryTransientMiddleware::new_with_policy(policy))
        .with(token_middleware(source.clone()).unwrap())
        .build();
    let error = client.get(api.url("/me")).send().await.unwrap_err();
    assert!(matches!(
        SourceError::find(&error),
        Some(SourceError::ShutDown)
    ));
    assert_eq!(
        source.asked.lock().unwrap().len(),
        1,
        "an error of ours is not retried"
    );
}

#[tokio::test]
async fn under_a_retry_each_attempt_gets_a_token() {
    let api = Api::start().await;
    let source = Scripted::new(api.base(), Place::Authorization);
    let policy = ExponentialBackoff::builder()
        .retry_bounds(std::time::Duration::ZERO, std::time::Duration::ZERO)
        .build_with_max_retries(1);
    let client = ClientBuilder::new(builder().build().unwrap())
        .with(RetryTransientMiddleware::new_with_policy(policy))
        .with(token_middleware(source).unwrap())
        .build();
    client
        .post(api.url("/broken"))
        .body("a body")
        .send()
        .await
        .unwrap();
    let seen = api.seen();
    assert_eq!(seen.len(), 2);
    assert!(
        seen.iter()
            .all(|s| s.token() == Some("secret-0") && s.body == "a body")
    );
}

/// Everything that somebody could print of an error.
fn print(error: &reqwest_middleware::Error) -> String {
    let mut text = format!("{error} {error:?} {error:#?}");
    if let reqwest_middleware::Error::Middleware(error) = error {
        text += &format!("{error:#}");
    }
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text += &format!(" {error} {error:?}");
        cause = error.source();
    }
    text
}

#[tokio::test]
async fn no_error_of_a_request_shows_the_token() {
    for place in PLACES {
        let gone = Api::gone().await;
        let client = client(Scripted::new(&gone, place));
        let error = client.get(format!("{gone}/me")).send().await.unwrap_err();
        let text = print(&error);
        assert!(!text.contains("secret-"), "{place:?}: {text}");
        assert!(
            matches!(&error, reqwest_middleware::Error::Reqwest(e) if e.is_connect()),
            "{text}"
        );
    }
}

#[tokio::test]
async fn neither_a_response_nor_the_error_of_its_status_shows_the_token() {
    for place in PLACES {
        let api = Api::start().await;
        let client = client(Scripted::new(api.base(), place));
        let response = client
            .post(api.url("/broken?q=1"))
            .body("a body")
            .send()
            .await
            .unwrap();
        assert_eq!(response.url().as_str(), api.url("/broken?q=1"));
        assert!(!format!("{response:?}").contains("secret-"));
        let error = response.error_for_status().unwrap_err();
        assert!(!print(&error.into()).contains("secret-"), "{place:?}");

        let response = client
            .post(api.url("/me"))
            .body("a body")
            .send()
            .await
            .unwrap();
        assert_eq!(response.url().as_str(), api.url("/me"));
        assert_eq!(response.content_length(), Some(6));
        assert!(response.remote_addr().is_some());
        assert_eq!(response.text().await.unwrap(), "a body");
    }
}

/// A middleware further in that tells the URL.
struct Tells;

#[async_trait::async_trait]
impl Middleware for Tells {
    async fn handle(
        &self,
        request: Request,
        _: &mut Extensions,
        _: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        Err(reqwest_middleware::Error::middleware(
            std::io::Error::other(request.url().to_string()),
        ))
    }
}

#[tokio::test]
async fn an_error_of_another_middleware_is_withheld_if_it_shows_the_token() {
    for place in PLACES {
        let api = Api::start().await;
        let source = Scripted::new(api.base(), place);
        let client = client(source);
        let client = ClientBuilder::from_client(client).with(Tells).build();
        let error = client.get(api.url("/me")).send().await.unwrap_err();
        assert!(!print(&error).contains("secret-"), "{place:?}");
        let reqwest_middleware::Error::Middleware(error) = error else {
            panic!("{error:?}")
        };
        let withheld = matches!(error.downcast_ref(), Some(Error::Withheld));
        assert_eq!(
            withheld,
            place == Place::Query,
            "the others are passed on as they are"
        );
    }
}
