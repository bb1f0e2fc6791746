//! What errors show, and how they are found through their wrappers.

use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, Middleware, Next};
use tokenkeeper_engine::Error as SourceError;
use tokenkeeper_reqwest::Error;

use crate::support::{
    Api, PLACES, Place, Scripted, client, middleware_error, retrying, token_middleware,
};

#[tokio::test]
async fn the_sources_error_is_found_through_reqwest_middleware() {
    let api = Api::start().await;
    let client = client(Scripted::new(api.base(), Place::Authorization).failing());
    let error = client.get(api.url("/me")).send().await.unwrap_err();
    assert!(matches!(
        SourceError::find(&error),
        Some(SourceError::ShutDown)
    ));
    let error = middleware_error(Err::<(), _>(error));
    assert!(matches!(error, Error::Token(SourceError::ShutDown)));
    assert!(api.seen().is_empty(), "never sent without a token");
}

#[tokio::test]
async fn errors_of_the_source_are_found_and_not_retried() {
    for is_sent in [false, true] {
        let api = Api::start().await;
        api.takes_from(1);
        let source = Scripted::new(api.base(), Place::Authorization);
        let source = match is_sent {
            false => source.failing(),
            true => source.irreplaceable(),
        };
        let client = retrying(token_middleware(source.clone()).unwrap(), 3);
        let error = client.get(api.url("/me")).send().await.unwrap_err();
        assert!(matches!(
            SourceError::find(&error),
            Some(SourceError::ShutDown)
        ));
        assert_eq!(source.asked.lock().unwrap().len(), 1);
        assert_eq!(api.seen().len(), usize::from(is_sent));
    }
}

#[tokio::test]
async fn under_a_retry_each_attempt_gets_a_token() {
    let api = Api::start().await;
    let source = Scripted::new(api.base(), Place::Authorization);
    let client = retrying(token_middleware(source).unwrap(), 1);
    let request = client.post(api.url("/broken")).body("a body");
    request.send().await.unwrap();
    let seen = api.seen();
    assert_eq!(seen.len(), 2);
    assert!(
        seen.iter()
            .all(|s| s.token() == Some("secret-0") && s.body == "a body")
    );
}

/// Formats an error and its causes in every way.
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
async fn neither_a_response_nor_its_status_error_shows_the_token() {
    for place in PLACES {
        let api = Api::start().await;
        let client = client(Scripted::new(api.base(), place));
        let post = async |url| client.post(url).body("a body").send().await.unwrap();
        let response = post(api.url("/broken?q=1")).await;
        assert_eq!(response.url().as_str(), api.url("/broken?q=1"));
        assert!(!format!("{response:?}").contains("secret-"));
        let error = response.error_for_status().unwrap_err();
        assert!(!print(&error.into()).contains("secret-"), "{place:?}");

        let response = post(api.url("/me")).await;
        assert_eq!(response.url().as_str(), api.url("/me"));
        assert_eq!(response.content_length(), Some(6));
        assert!(response.remote_addr().is_some());
        assert_eq!(response.text().await.unwrap(), "a body");
    }
}

/// An inner middleware whose error shows the URL.
struct ShowsUrl;

#[async_trait::async_trait]
impl Middleware for ShowsUrl {
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
async fn an_inner_error_that_shows_the_token_is_withheld() {
    for place in PLACES {
        let api = Api::start().await;
        let client = client(Scripted::new(api.base(), place));
        let client = ClientBuilder::from_client(client).with(ShowsUrl).build();
        let error = client.get(api.url("/me")).send().await.unwrap_err();
        assert!(!print(&error).contains("secret-"), "{place:?}");
        let reqwest_middleware::Error::Middleware(error) = error else {
            panic!("{error:?}")
        };
        let is_withheld = matches!(error.downcast_ref(), Some(Error::Withheld));
        assert_eq!(is_withheld, place == Place::Query, "others are unchanged");
    }
}
