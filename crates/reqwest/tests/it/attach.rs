//! Which requests get a token, and where it goes.

use http::Method;
use reqwest::{Request, Url};
use tokenkeeper_reqwest::{Error, TokenMiddleware, TokenPolicy};
use tokenkeeper_tower::Error as FrontError;

use crate::support::{
    Api, PLACES, Place, Scripted, middleware_error, over_finished_client, token_middleware,
};

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
        matches!(
            errors[..],
            [FrontError::UserInfo, FrontError::OtherOrigin { .. }]
        ),
        "{errors:?}"
    );
    assert!(api.seen().is_empty());
}
