//! What a rejection leads to.

use std::sync::atomic::Ordering::SeqCst;

use http::StatusCode;
use tokenkeeper_reqwest::NoReplay;

use crate::support::{
    Api, PLACES, Place, Scripted, client, over_finished_client, token_middleware,
};

#[tokio::test]
async fn a_rejected_token_is_replaced_and_the_request_replayed() {
    for place in PLACES {
        let api = Api::start().await;
        api.takes_from(1);
        let source = Scripted::new(api.base(), place);
        let request = client(source.clone())
            .post(api.url("/me?q=1"))
            .body("a body");
        let response = request.header("x-mine", "kept").send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.text().await.unwrap(), "a body");
        let [first, second] = &api.seen()[..] else {
            panic!("two requests")
        };
        assert_eq!(
            (first.token(), second.token()),
            (Some("secret-0"), Some("secret-1"))
        );
        assert_eq!(second.method, first.method);
        assert_eq!(second.headers["x-mine"], "kept");
        assert!(
            !second.uri.to_string().contains("secret-0"),
            "the old token is gone"
        );
        assert_eq!(source.replaced.load(SeqCst), 1);
    }
}

#[tokio::test]
async fn a_second_rejection_goes_to_the_caller_and_the_source_is_told() {
    let api = Api::start().await;
    api.takes_from(9);
    let source = Scripted::new(api.base(), Place::Authorization);
    let response = client(source.clone())
        .get(api.url("/me"))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(api.seen().len(), 2, "one replay, no loop");
    assert_eq!(source.rejected.load(SeqCst), 1);
}

#[tokio::test]
async fn without_a_better_token_the_response_goes_to_the_caller() {
    let api = Api::start().await;
    api.takes_from(1);
    let source = Scripted::new(api.base(), Place::Authorization).held_off();
    let response = client(source).get(api.url("/me")).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(response.text().await.unwrap(), "no");
    assert_eq!(api.seen().len(), 1);
}

#[tokio::test]
async fn a16_a_429_is_passed_through_with_its_headers_and_no_refresh() {
    let api = Api::start().await;
    let source = Scripted::new(api.base(), Place::Authorization);
    let response = client(source.clone())
        .get(api.url("/limited"))
        .send()
        .await
        .unwrap();
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
        let api = Api::start().await;
        api.takes_from(1);
        let source = Scripted::new(api.base(), Place::Authorization);
        let middleware = token_middleware(source.clone())
            .unwrap()
            .replay(by_extension);
        let mut request = over_finished_client(middleware).get(api.url("/me"));
        if by_extension {
            request = request.with_extension(NoReplay);
        }
        assert_eq!(
            request.send().await.unwrap().status(),
            StatusCode::UNAUTHORIZED
        );
        assert_eq!(source.rejected.load(SeqCst), 1);
        assert_eq!(source.replaced.load(SeqCst), 0);
        assert_eq!(*source.asked.lock().unwrap(), [false]);
    }
}

#[tokio::test]
async fn a_request_without_a_token_waits_and_is_sent_when_it_comes() {
    let api = Api::start().await;
    let source = Scripted::new(api.base(), Place::Authorization).cold();
    let call = tokio::spawn(client(source.clone()).get(api.url("/me")).send());
    while source.waits.load(SeqCst) < 1 {
        tokio::task::yield_now().await;
    }
    assert!(api.seen().is_empty(), "never sent without a token");
    source.arrival.add_permits(1);
    assert_eq!(call.await.unwrap().unwrap().status(), StatusCode::OK);
}
