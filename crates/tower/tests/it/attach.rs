//! Where a token goes, and where not.

use http::{Request, StatusCode, Uri};
use tokenkeeper_tower::{Anonymous, Error, TokenLayer};
use tower::{Layer as _, ServiceExt as _};

use crate::support::{Api, Place, Scripted, Text, hyper_client, token_layer};

fn get(uri: impl AsRef<str>) -> Request<Text> {
    Request::get(uri.as_ref()).body(Text::default()).unwrap()
}

#[tokio::test]
async fn each_attachment_reaches_the_api() {
    for (place, uri) in [
        (Place::Authorization, "/me"),
        (Place::OwnHeader, "/me"),
        (Place::Query, "/me?access_token=secret-0"),
    ] {
        let api = Api::start().await;
        let layer = token_layer(Scripted::new(api.base(), place));
        let service = layer.layer(hyper_client());
        let response = service.oneshot(get(api.url("/me"))).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let seen = &api.seen()[0];
        assert_eq!(seen.token(), Some("secret-0"));
        assert_eq!(seen.uri, uri);
    }
}

#[tokio::test]
async fn our_header_replaces_every_one_of_its_name() {
    let api = Api::start().await;
    let service = token_layer(Scripted::new(api.base(), Place::OwnHeader)).layer(hyper_client());
    let mut request = get(api.url("/me"));
    request
        .headers_mut()
        .append("x-access-token", "theirs".parse().unwrap());
    request
        .headers_mut()
        .append("x-access-token", "another".parse().unwrap());
    service.oneshot(request).await.unwrap();
    let headers = &api.seen()[0].headers;
    assert_eq!(
        headers.get_all("x-access-token").iter().collect::<Vec<_>>(),
        ["secret-0"]
    );
}

#[tokio::test]
async fn a_request_to_another_origin_passes_untouched() {
    let (api, foreign) = (Api::start().await, Api::start().await);
    let source = Scripted::new(api.base(), Place::Authorization);
    let service = token_layer(source.clone()).layer(hyper_client());
    foreign.takes_from(1);
    let response = service.oneshot(get(foreign.url("/me"))).await.unwrap();
    assert_eq!(
        response.status(),
        StatusCode::UNAUTHORIZED,
        "their 401 is none of ours"
    );
    assert_eq!(foreign.seen()[0].token(), None);
    assert!(source.verdicts.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_anonymous_request_passes_untouched() {
    let api = Api::start().await;
    let service =
        token_layer(Scripted::new(api.base(), Place::Authorization)).layer(hyper_client());
    let mut request = get(api.url("/me"));
    request.extensions_mut().insert(Anonymous);
    service.oneshot(request).await.unwrap();
    assert_eq!(api.seen()[0].token(), None);
}

#[tokio::test]
async fn user_info_is_refused() {
    let api = Api::start().await;
    let service =
        token_layer(Scripted::new(api.base(), Place::Authorization)).layer(hyper_client());
    let uri = api.url("/me").replace("http://", "http://user:password@");
    let error = service.oneshot(get(uri)).await.unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(Error::UserInfo)));
    assert!(api.seen().is_empty());
}

#[tokio::test]
async fn a_relative_uri_needs_the_layers_origin() {
    let api = Api::start().await;
    // As tonic's `Channel` does: the inner service completes the URI.
    let base = api.base().to_owned();
    let complete = tower::service_fn(move |mut request: Request<_>| {
        *request.uri_mut() = format!("{base}{}", request.uri()).parse::<Uri>().unwrap();
        hyper_client().oneshot(request)
    });
    let layer = token_layer(Scripted::new(api.base(), Place::Authorization));

    let error = layer
        .layer(complete.clone())
        .oneshot(get("/me"))
        .await
        .unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(Error::NoAuthority)));

    let layer = layer.origin(api.base().parse().unwrap());
    layer
        .layer(complete.clone())
        .oneshot(get("/me"))
        .await
        .unwrap();
    assert_eq!(api.seen()[0].token(), Some("secret-0"));

    let layer = layer.origin(Uri::from_static("https://elsewhere.example"));
    layer.layer(complete).oneshot(get("/me")).await.unwrap();
    assert_eq!(
        api.seen()[1].token(),
        None,
        "an origin that is not the source's"
    );
}

#[tokio::test]
async fn a_fixed_token_goes_to_https_and_loopback_only() {
    let service =
        TokenLayer::fixed("t0ken").layer(tower::service_fn(async |request: Request<_>| {
            let header = request.headers().get("authorization").cloned();
            drop::<tokenkeeper_tower::Replay<Text>>(request.into_body());
            Ok::<_, std::convert::Infallible>(http::Response::new(header))
        }));
    for (uri, attached) in [
        ("https://api.example/me", true),
        ("http://127.0.0.1:80/me", true),
        ("http://localhost/me", true),
        ("http://api.example/me", false),
    ] {
        let sent = service.clone().oneshot(get(uri)).await.unwrap().into_body();
        assert_eq!(sent.is_some(), attached, "{uri}");
        if let Some(sent) = sent {
            assert_eq!(sent, "Bearer t0ken");
            assert!(sent.is_sensitive());
        }
    }
}

#[test]
#[should_panic = "visible ASCII"]
fn a_fixed_token_with_a_line_break_is_refused() {
    let _ = TokenLayer::fixed("t\r\nx: y");
}

#[test]
fn nothing_shows_the_token() {
    let layer = TokenLayer::fixed("secret-text");
    let service = layer.layer(hyper_client::<Text>());
    assert!(!format!("{layer:?} {service:?}").contains("secret-text"));
}
