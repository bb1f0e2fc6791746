//! Where a token goes, and where not.

use http::StatusCode;
use reqwest::Url;
use tokenkeeper_reqwest::{Anonymous, Error};
use tokenkeeper_tower::Error as FrontError;

use crate::support::{
    Api, PLACES, Place, Scripted, client, over_finished_client, token_middleware,
};

#[tokio::test]
async fn each_attachment_reaches_the_api() {
    for place in PLACES {
        let api = Api::start().await;
        let response = client(Scripted::new(api.base(), place))
            .get(api.url("/me?q=1"))
            .send()
            .await;
        assert_eq!(response.unwrap().status(), StatusCode::OK);
        let seen = &api.seen()[0];
        assert_eq!(seen.token(), Some("secret-0"));
        assert!(seen.uri.to_string().starts_with("/me?q=1"));
    }
}

#[tokio::test]
async fn over_a_finished_client_only_authorization_is_taken() {
    for place in PLACES {
        let api = Api::start().await;
        let made = token_middleware(Scripted::new(api.base(), place));
        if place != Place::Authorization {
            assert!(
                matches!(made.unwrap_err(), Error::UnsafeClient),
                "{place:?}"
            );
            continue;
        }
        over_finished_client(made.unwrap())
            .get(api.url("/me"))
            .send()
            .await
            .unwrap();
        assert_eq!(api.seen()[0].token(), Some("secret-0"));
    }
}

#[tokio::test]
async fn our_header_replaces_every_one_of_its_name() {
    let api = Api::start().await;
    let client = client(Scripted::new(api.base(), Place::OwnHeader));
    let request = client
        .get(api.url("/me"))
        .header("x-access-token", "theirs");
    request
        .header("x-access-token", "another")
        .send()
        .await
        .unwrap();
    let headers = &api.seen()[0].headers;
    assert_eq!(
        headers.get_all("x-access-token").iter().collect::<Vec<_>>(),
        ["secret-0"]
    );
}

#[tokio::test]
async fn a_foreign_or_anonymous_request_passes_untouched() {
    let (api, foreign) = (Api::start().await, Api::start().await);
    foreign.takes_from(1);
    let source = Scripted::new(api.base(), Place::Authorization);
    let client = client(source.clone());
    let response = client.get(foreign.url("/me")).send().await.unwrap();
    assert_eq!(
        response.status(),
        StatusCode::UNAUTHORIZED,
        "their 401 is none of ours"
    );
    client
        .get(api.url("/me"))
        .with_extension(Anonymous)
        .send()
        .await
        .unwrap();
    assert_eq!(
        (foreign.seen()[0].token(), api.seen()[0].token()),
        (None, None)
    );
    assert!(source.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn user_info_is_refused() {
    let api = Api::start().await;
    let client = client(Scripted::new(api.base(), Place::Authorization));
    // A builder would turn it into `Authorization: Basic`, so it comes with a finished request only.
    let url = Url::parse(&api.url("/me").replace("http://", "http://user:password@")).unwrap();
    let error = client
        .execute(reqwest::Request::new(http::Method::GET, url))
        .await
        .unwrap_err();
    let reqwest_middleware::Error::Middleware(error) = error else {
        panic!("{error:?}")
    };
    assert!(matches!(
        error.downcast_ref(),
        Some(Error::Request(FrontError::UserInfo))
    ));
    assert!(api.seen().is_empty());
}
