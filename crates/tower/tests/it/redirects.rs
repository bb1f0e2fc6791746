//! Redirects and tokens, for each place where a token is attached.

use std::error::Error;

use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use tokenkeeper_engine::protocol::Origin;
use tokenkeeper_tower::{BoxError, Replay, TokenLayer};
use tower::{ServiceBuilder, ServiceExt as _};
use tower_http::{follow_redirect::FollowRedirectLayer, map_request_body::MapRequestBodyLayer};

use crate::support::{Api, Place, Scripted, Text, hyper_client, token_layer};

const PLACES: [Place; 3] = [Place::Authorization, Place::OwnHeader, Place::Query];

fn to(api: &Api, target: &str) -> Request<Text> {
    Request::get(api.url(&format!("/to?{target}")))
        .body(Text::default())
        .unwrap()
}

#[tokio::test]
async fn with_follow_redirect_outside_no_token_leaves_its_api() {
    for place in PLACES {
        let (api, foreign) = (Api::start().await, Api::start().await);
        let source = Scripted::new(api.base(), place);
        let service = ServiceBuilder::new()
            .layer(FollowRedirectLayer::new())
            .layer(token_layer(source))
            .service(hyper_client());
        let response = service
            .clone()
            .oneshot(to(&api, &foreign.url("/me")))
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(api.seen()[0].token(), Some("secret-0"));
        assert!(
            !foreign.seen()[0].leaks(),
            "{place:?}: {:?}",
            foreign.seen()
        );

        service.oneshot(to(&api, &api.url("/me"))).await.unwrap();
        assert_eq!(
            api.seen()[2].token(),
            Some("secret-0"),
            "{place:?}: a hop within the API"
        );
    }
}

/// This order compiles only with a layer that maps the body: `FollowRedirect` requires a `Default`
/// body, and `Replay` is none. tower-http then strips only the credential headers that it knows.
#[tokio::test]
async fn with_follow_redirect_inside_only_authorization_is_stripped() {
    for place in PLACES {
        let (api, foreign) = (Api::start().await, Api::start().await);
        let source = Scripted::new(api.base(), place);
        let service = ServiceBuilder::new()
            .layer(token_layer(source))
            .layer(MapRequestBodyLayer::new(|body: Replay<Text>| {
                axum::body::Body::new(body.map_err(|error: BoxError| axum::Error::new(error)))
            }))
            .layer(FollowRedirectLayer::new())
            .service(hyper_client_of_boxes());
        service
            .oneshot(to(&api, &foreign.url("/me")))
            .await
            .unwrap();
        let leaks = foreign.seen()[0].leaks();
        assert_eq!(
            leaks,
            place == Place::OwnHeader,
            "{place:?}: only known credentials are stripped"
        );
    }
}

/// The order of the README, and the other one.
#[tokio::test]
async fn a_fixed_token_stays_at_its_origin_in_either_order() {
    let (api, foreign) = (Api::start().await, Api::start().await);
    let layer = TokenLayer::fixed("secret-0", [Origin::parse(api.base()).unwrap()]);
    let outside = ServiceBuilder::new()
        .layer(FollowRedirectLayer::new())
        .layer(layer.clone())
        .service(hyper_client());
    outside
        .oneshot(to(&api, &foreign.url("/me")))
        .await
        .unwrap();
    let inside = ServiceBuilder::new()
        .layer(layer)
        .layer(MapRequestBodyLayer::new(|body: Replay<Text>| {
            axum::body::Body::new(body.map_err(|error: BoxError| axum::Error::new(error)))
        }))
        .layer(FollowRedirectLayer::new())
        .service(hyper_client_of_boxes());
    inside.oneshot(to(&api, &foreign.url("/me"))).await.unwrap();
    for seen in api.seen() {
        assert_eq!(seen.token(), Some("secret-0"));
    }
    assert_eq!(foreign.seen().len(), 2);
    assert!(foreign.seen().iter().all(|seen| !seen.leaks()));
}

fn hyper_client_of_boxes() -> hyper_util::client::legacy::Client<
    hyper_util::client::legacy::connect::HttpConnector,
    axum::body::Body,
> {
    hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).build_http()
}

#[tokio::test]
async fn no_error_shows_the_token() {
    for place in PLACES {
        let api = Api::gone().await;
        let source = Scripted::new(&api, place);
        let service = ServiceBuilder::new()
            .layer(token_layer(source))
            .service(hyper_client());
        let request = Request::get(format!("{api}/me"))
            .body(Text::default())
            .unwrap();
        let error = service.oneshot(request).await.unwrap_err();
        let mut text = format!("{error:?} {error}");
        let mut source: Option<&(dyn Error + 'static)> = error.source();
        while let Some(cause) = source {
            text += &format!(" {cause:?} {cause}");
            source = cause.source();
        }
        assert!(!text.contains("secret-"), "{place:?}: {text}");
    }
}
