//! Which requests get a token, and where it goes.

use http::{Request, Uri};
use tokenkeeper_engine::protocol::Origin;
use tokenkeeper_tower::{Error, TokenLayer, TokenPolicy};
use tower::{Layer as _, ServiceExt as _};

use crate::support::{Api, Place, Scripted, Text, hyper_client};

fn get(uri: impl AsRef<str>) -> Request<Text> {
    Request::get(uri.as_ref()).body(Text::default()).unwrap()
}

#[tokio::test]
async fn refused_requests_are_not_sent() {
    let api = Api::start().await;
    let source = Scripted::new(api.base(), Place::Authorization);
    let policy = TokenPolicy::from_source(source).strict_origins(true);
    let service = TokenLayer::new(policy).layer(hyper_client());
    let user_info = api.url("/me").replace("http://", "http://user:password@");
    let mut errors = Vec::new();
    for uri in [&*user_info, "/me", "https://elsewhere.example/me"] {
        let error = service.clone().oneshot(get(uri)).await.unwrap_err();
        errors.push(*error.downcast::<Error>().unwrap());
    }
    assert!(
        matches!(
            errors[..],
            [
                Error::UserInfo,
                Error::NoAuthority,
                Error::OtherOrigin { .. }
            ]
        ),
        "{errors:?}"
    );
    assert!(api.seen().is_empty());
}

#[tokio::test]
async fn a_relative_uri_belongs_to_the_layers_origin() {
    let api = Api::start().await;
    // As in tonic's `Channel`, the inner service completes the URI.
    let base = api.base().to_owned();
    let complete = tower::service_fn(move |mut request: Request<_>| {
        *request.uri_mut() = format!("{base}{}", request.uri()).parse::<Uri>().unwrap();
        hyper_client().oneshot(request)
    });
    for (origin, token) in [
        (api.base(), Some("secret-0")),
        ("https://elsewhere.example", None),
    ] {
        let source = Scripted::new(api.base(), Place::Authorization);
        let policy = TokenPolicy::from_source(source).origin(origin.parse().unwrap());
        let service = TokenLayer::new(policy).layer(complete.clone());
        service.oneshot(get("/me")).await.unwrap();
        assert_eq!(api.seen().last().unwrap().token(), token, "{origin}");
    }
}

#[tokio::test]
async fn a_fixed_token_goes_to_its_origins_only() {
    let origins = ["https://api.example", "http://127.0.0.1:8080"];
    let layer = TokenLayer::fixed("t0ken", origins.map(|text| Origin::parse(text).unwrap()));
    let service = layer.layer(tower::service_fn(async |request: Request<_>| {
        let header = request.headers().get("authorization").cloned();
        drop::<tokenkeeper_tower::Replay<Text>>(request.into_body());
        Ok::<_, std::convert::Infallible>(http::Response::new(header))
    }));
    for (uri, attached) in [
        ("https://api.example/me", true),
        ("https://API.example:443/me", true),
        ("http://127.0.0.1:8080/me", true),
        ("http://127.0.0.1:8081/me", false),
        ("http://localhost:8080/me", false),
        ("http://api.example/me", false),
        ("https://other.example/me", false),
        ("https://api.example.evil.test/me", false),
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
    let _ = TokenLayer::fixed("t\r\nx: y", []);
}

#[test]
fn debug_output_does_not_show_the_token() {
    let layer = TokenLayer::fixed("secret-text", []);
    let service = layer.layer(hyper_client::<Text>());
    assert!(!format!("{layer:?} {service:?}").contains("secret-text"));
}
