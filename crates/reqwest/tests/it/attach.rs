//! Which requests get a token, and where it goes.

use http::{Method, StatusCode};
use reqwest::{Request, Url};
use tokenkeeper_reqwest::{Anonymous, Error, TokenMiddleware, TokenPolicy};
use tokenkeeper_tower::Error as FrontError;

use crate::support::{
    Api, PLACES, Place, Scripted, client, middleware_error, over_finished_client, token_middleware,
};

#[tokio::test]
async fn each_attachment_reaches_the_api() {
    for place in PLACES {
        let api = Api::start().await;
        let client = client(Scripted::new(api.base(), place));
        let response = client.get(api.url("/me?q=1")).send().await;
        assert_eq!(response.unwrap().status(), StatusCode::OK);
        let seen = &api.seen()[0];
        assert_eq!(seen.token(), Some("secret-0"));
        assert!(seen.uri.to_string().starts_with("/me?q=1"));
    }
}

#[tokio::test]
async fn over_a_finished_client_only_authorization_is_allowed() {
    for place in PLACES {
        let api = Api::start().await;
        let made = token_middleware(Scripted::new(api.base(), place));
        if place != Place::Authorization {
            let error = made.unwrap_err();
            assert!(matches!(error, Error::UnsafeClient), "{place:?}");
            continue;
        }
        let client = over_finished_client(made.unwrap());
        client.get(api.url("/me")).send().await.unwrap();
        assert_eq!(api.seen()[0].token(), Some("secret-0"));
    }
}

#[tokio::test]
async fn the_token_replaces_all_headers_of_its_name() {
    let api = Api::start().await;
    let client = client(Scripted::new(api.base(), Place::OwnHeader));
    let request = client.get(api.url("/me")).header("x-access-token", "a");
    let sent = request.header("x-access-token", "b").send().await;
    sent.unwrap();
    let headers = &api.seen()[0].headers;
    let tokens: Vec<_> = headers.get_all("x-access-token").iter().collect();
    assert_eq!(tokens, ["secret-0"]);
}

#[tokio::test]
async fn foreign_and_anonymous_requests_pass_untouched() {
    let (api, foreign) = (Api::start().await, Api::start().await);
    foreign.takes_from(1);
    let source = Scripted::new(api.base(), Place::Authorization);
    let client = client(source.clone());
    let response = client.get(foreign.url("/me")).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let request = client.get(api.url("/me")).with_extension(Anonymous);
    request.send().await.unwrap();
    let tokens = (foreign.seen()[0].token().is_some(), api.seen()[0].leaks());
    assert_eq!(tokens, (false, false));
    assert!(source.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn refused_requests_are_not_sent() {
    let api = Api::start().await;
    let source = Scripted::new(api.base(), Place::Authorization);
    let policy = TokenPolicy::from_source(source).strict_origins(true);
    let client = over_finished_client(TokenMiddleware::new(policy).unwrap());
    // A builder would turn user info into `Authorization: Basic`.
    let user_info = api.url("/me").replace("http://", "http://user:password@");
    let mut errors = Vec::new();
    for url in [&*user_info, "https://elsewhere.example/me"] {
        let request = Request::new(Method::GET, Url::parse(url).unwrap());
        match middleware_error(client.execute(request).await) {
            Error::Request(error) => errors.push(error),
            error => panic!("{error:?}"),
        }
    }
    assert!(
        matches!(errors[..], [FrontError::UserInfo, FrontError::OtherOrigin]),
        "{errors:?}"
    );
    assert!(api.seen().is_empty());
}
