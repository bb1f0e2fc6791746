//! A rejected token without a replacement.

use std::sync::atomic::Ordering::SeqCst;

use http::StatusCode;
use reqwest_middleware::Error as MiddlewareError;
use tokenkeeper_engine::Error as SourceError;
use tokenkeeper_reqwest::{Error, Rejected};

use crate::support::{Api, PLACES, Place, Scripted, builder, client, middleware_error};

async fn start(place: Place) -> (Api, Scripted) {
    let api = Api::start().await;
    api.takes_from(1);
    let source = Scripted::new(api.base(), place).irreplaceable();
    (api, source)
}

#[tokio::test]
async fn the_sources_error_and_the_apis_response_reach_the_caller() {
    for place in PLACES {
        let (api, source) = start(place).await;
        let sent = client(source.clone()).get(api.url("/me?q=1")).send().await;
        let error = sent.unwrap_err();
        assert!(matches!(
            SourceError::find(&error),
            Some(SourceError::ShutDown)
        ));

        let rejected = Rejected::try_from(error).unwrap();
        assert!(matches!(rejected.error(), SourceError::ShutDown));
        assert_eq!(rejected.response().status(), StatusCode::UNAUTHORIZED);
        let response = rejected.into_response();
        assert_eq!(response.url().as_str(), api.url("/me?q=1"), "without token");
        assert_eq!(response.text().await.unwrap(), "no", "unread until now");
        assert_eq!(api.seen().len(), 1, "not replayed");
        assert_eq!(source.replaced.load(SeqCst), 1);
    }
}

#[tokio::test]
async fn any_other_error_is_returned_unchanged() {
    let (api, source) = start(Place::Authorization).await;
    let client = client(source.failing());
    let error = client.get(api.url("/me")).send().await.unwrap_err();
    let error = middleware_error(Rejected::try_from(error));
    assert!(matches!(error, Error::Token(SourceError::ShutDown)));

    let other = MiddlewareError::middleware(std::io::Error::other("foreign"));
    let other = Rejected::try_from(other).unwrap_err();
    assert_eq!(other.to_string(), "foreign");

    let gone = Api::gone().await;
    let sent = builder().build().unwrap().get(gone).send().await;
    let other = Rejected::try_from(MiddlewareError::from(sent.unwrap_err()));
    assert!(matches!(other, Err(MiddlewareError::Reqwest(e)) if e.is_connect()));
}

#[tokio::test]
async fn the_error_shows_its_reason_and_no_secret() {
    for place in PLACES {
        let (api, source) = start(place).await;
        let url = api.url("/me?key=secret-of-the-callers");
        let error = client(source).get(url).send().await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the API rejected the token (401), and no replacement is available"
        );
        let MiddlewareError::Middleware(error) = &error else {
            panic!("{error:?}")
        };
        let shown = format!("{error} {error:#} {error:?} {error:#?}");
        assert!(!shown.contains("secret-"), "{shown}");
        assert!(shown.contains("the engine is shut down"), "{shown}");
    }
}
