//! What a rejection leads to.

use std::sync::atomic::Ordering::SeqCst;

use futures_util::future::join_all;
use http::{HeaderMap, Request, StatusCode, header::AUTHORIZATION};
use tokenkeeper_engine::Error as SourceError;
use tokenkeeper_tower::NoReplay;
use tower::{Layer as _, ServiceExt as _};

use crate::support::{Api, Place, Scripted, Seen, Text, hyper_client, token_layer};

fn post(uri: impl AsRef<str>) -> Request<Text> {
    Request::post(uri.as_ref())
        .body(Text::from("a body"))
        .unwrap()
}

async fn start(place: Place) -> (Api, Scripted) {
    let api = Api::start().await;
    let source = Scripted::new(api.base(), place);
    (api, source)
}

fn without_token(seen: &Seen) -> HeaderMap {
    let mut headers = seen.headers.clone();
    headers.remove(AUTHORIZATION);
    headers.remove("x-access-token");
    headers
}

#[tokio::test]
async fn a_rejected_token_is_replaced_and_the_request_replayed() {
    for place in [Place::Authorization, Place::OwnHeader, Place::Query] {
        let (api, source) = start(place).await;
        api.takes_from(1);
        let service = token_layer(source.clone()).layer(hyper_client());
        let mut request = post(api.url("/me?q=1"));
        for value in ["kept", "with its second value"] {
            request
                .headers_mut()
                .append("x-mine", value.parse().unwrap());
        }
        let response = service.oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);

        let [first, second] = &api.seen()[..] else {
            panic!("two requests")
        };
        assert_eq!(
            (first.token(), second.token()),
            (Some("secret-0"), Some("secret-1"))
        );
        assert_eq!(
            (&first.body, &second.body),
            (&"a body".to_owned(), &"a body".to_owned())
        );
        assert_eq!(first.method, second.method);
        assert_eq!(without_token(first), without_token(second));
        assert_eq!(second.headers.get_all("x-mine").iter().count(), 2);
        assert!(second.uri.to_string().starts_with("/me?q=1"));
        assert!(
            !second.uri.to_string().contains("secret-0"),
            "the old token is gone"
        );
        assert_eq!(source.replaced.load(SeqCst), 1);
        assert_eq!(source.rejected.load(SeqCst), 0);
    }
}

#[tokio::test]
async fn a_second_rejection_goes_to_the_caller_and_the_source_is_told() {
    let (api, source) = start(Place::Authorization).await;
    api.takes_from(9);
    let service = token_layer(source.clone()).layer(hyper_client());
    let response = service.oneshot(post(api.url("/me"))).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(api.seen().len(), 2, "one replay, no loop");
    assert_eq!(source.replaced.load(SeqCst), 1);
    assert_eq!(source.rejected.load(SeqCst), 1);
}

#[tokio::test]
async fn without_a_better_token_the_response_goes_to_the_caller() {
    let (api, source) = start(Place::Authorization).await;
    api.takes_from(1);
    let service = token_layer(source.clone().held_off()).layer(hyper_client());
    let response = service.oneshot(post(api.url("/me"))).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let body = http_body_util::BodyExt::collect(response.into_body())
        .await
        .unwrap();
    assert_eq!(body.to_bytes(), "no", "with its body");
    assert_eq!(api.seen().len(), 1);
}

#[tokio::test]
async fn a16_a_429_is_passed_through_with_its_headers_and_no_refresh() {
    let (api, source) = start(Place::Authorization).await;
    let service = token_layer(source.clone()).layer(hyper_client());
    let response = service.oneshot(post(api.url("/limited"))).await.unwrap();
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(response.headers()["retry-after"], "47");
    assert_eq!(
        source.replaced.load(SeqCst) + source.rejected.load(SeqCst),
        0
    );
    assert_eq!(
        source.verdicts.lock().unwrap().len(),
        1,
        "the source read the head"
    );
}

#[tokio::test]
async fn with_replay_off_the_response_passes_and_the_refresh_still_happens() {
    for by_extension in [true, false] {
        let (api, source) = start(Place::Authorization).await;
        api.takes_from(1);
        let service = token_layer(source.clone())
            .replay(by_extension)
            .layer(hyper_client());
        let mut request = post(api.url("/me"));
        if by_extension {
            request.extensions_mut().insert(NoReplay);
        }
        let response = service.oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(source.rejected.load(SeqCst), 1);
        assert_eq!(source.replaced.load(SeqCst), 0);
        assert_eq!(
            *source.asked.lock().unwrap(),
            [false],
            "asked as one that cannot be replayed"
        );
    }
}

#[tokio::test]
async fn a_hundred_rejections_at_once_replace_one_token() {
    let (api, source) = start(Place::Authorization).await;
    api.takes_from(1);
    let service = token_layer(source.clone()).layer(hyper_client());
    let calls = (0..100).map(|_| service.clone().oneshot(post(api.url("/me"))));
    for response in join_all(calls).await {
        assert_eq!(response.unwrap().status(), StatusCode::OK);
    }
    assert!(
        api.seen()
            .iter()
            .all(|s| matches!(s.token(), Some("secret-0" | "secret-1")))
    );
}

#[tokio::test]
async fn a_request_without_a_token_waits_and_is_sent_when_it_comes() {
    let (api, source) = start(Place::Authorization).await;
    let source = source.cold();
    let service = token_layer(source.clone()).layer(hyper_client());
    let call = tokio::spawn(service.clone().oneshot(post(api.url("/me"))));
    let dropped = tokio::spawn(service.oneshot(post(api.url("/me"))));
    while source.waits.load(SeqCst) < 2 {
        tokio::task::yield_now().await;
    }
    assert!(api.seen().is_empty(), "never sent without a token");
    dropped.abort();
    assert!(dropped.await.unwrap_err().is_cancelled());
    source.arrival.add_permits(1);
    assert_eq!(call.await.unwrap().unwrap().status(), StatusCode::OK);
    assert_eq!(api.seen().len(), 1);
}

#[tokio::test]
async fn an_error_of_the_source_reaches_the_caller_and_nothing_is_sent() {
    let (api, source) = start(Place::Authorization).await;
    let service = token_layer(source.failing()).layer(hyper_client());
    let error = service.oneshot(post(api.url("/me"))).await.unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(SourceError::ShutDown)));
    assert!(api.seen().is_empty());
}

#[tokio::test]
async fn an_error_of_the_inner_service_is_passed_through_as_it_is() {
    let (api, source) = start(Place::Authorization).await;
    let service = token_layer(source).layer(tower::service_fn(async |_: Request<_>| {
        Err::<http::Response<()>, _>(std::io::Error::other("the line is cut"))
    }));
    let error = service.oneshot(post(api.url("/me"))).await.unwrap_err();
    assert!(error.is::<std::io::Error>());
}
