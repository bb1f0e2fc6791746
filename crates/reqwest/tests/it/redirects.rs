//! No token reaches a foreign host, wherever it is attached.

use http::{StatusCode, header::REFERER};

use crate::support::{
    Api, PLACES, Place, Scripted, client, over_finished_client, token_middleware,
};

#[tokio::test]
async fn a_redirect_to_another_origin_is_not_followed() {
    for place in PLACES {
        let (api, foreign) = (Api::start().await, Api::start().await);
        let client = client(Scripted::new(api.base(), place));
        let response = client
            .get(api.url(&format!("/to?{}", foreign.url("/me"))))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::TEMPORARY_REDIRECT);
        assert_eq!(
            response.headers()["location"],
            foreign.url("/me"),
            "the caller may follow it"
        );
        assert!(foreign.seen().is_empty(), "{place:?}");
    }
}

#[tokio::test]
async fn a_later_hop_to_another_origin_is_not_followed() {
    let (api, foreign) = (Api::start().await, Api::start().await);
    let client = client(Scripted::new(api.base(), Place::OwnHeader));
    let hop = api.url(&format!("/to?{}", foreign.url("/me")));
    client
        .get(api.url(&format!("/to?{hop}")))
        .send()
        .await
        .unwrap();
    assert_eq!(api.seen().len(), 2, "the first hop stays within the API");
    assert!(foreign.seen().is_empty());
}

#[tokio::test]
async fn a_redirect_within_the_api_is_followed_without_a_referer() {
    for place in PLACES {
        let api = Api::start().await;
        let client = client(Scripted::new(api.base(), place));
        let response = client
            .get(api.url(&format!("/to?{}", api.url("/me"))))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let seen = api.seen();
        assert!(
            seen.iter().all(|s| !s.headers.contains_key(REFERER)),
            "{place:?}"
        );
        // A redirect's target has the query that the server gives it.
        let carried = place != Place::Query;
        assert_eq!(seen[1].token().is_some(), carried, "{place:?}");
    }
}

#[tokio::test]
async fn redirects_within_the_api_are_bounded() {
    let api = Api::start().await;
    let client = client(Scripted::new(api.base(), Place::Query));
    let error = client.get(api.url("/loop")).send().await.unwrap_err();
    assert!(matches!(&error, reqwest_middleware::Error::Reqwest(e) if e.is_redirect()));
    assert!(!format!("{error:?}").contains("secret-"));
    assert_eq!(api.seen().len(), 11, "the request and ten redirects");
}

#[tokio::test]
async fn over_a_finished_client_reqwest_strips_authorization() {
    let (api, foreign) = (Api::start().await, Api::start().await);
    let middleware = token_middleware(Scripted::new(api.base(), Place::Authorization)).unwrap();
    let client = over_finished_client(middleware);
    client
        .get(api.url(&format!("/to?{}", foreign.url("/me"))))
        .send()
        .await
        .unwrap();
    assert_eq!(foreign.seen().len(), 1);
    assert!(!foreign.seen()[0].leaks());
}
