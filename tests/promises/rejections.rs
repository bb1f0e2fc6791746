//! What a rejected token leads to, the same in both fronts.

use std::sync::atomic::Ordering::SeqCst;

use http::{HeaderMap, StatusCode, header::AUTHORIZATION};
use tokenkeeper::{Error, tower::NoReplay};
use tokenkeeper_test_support::{
    api::{Api, Seen},
    scripted::{Place, Scripted},
};

use crate::client::{Front, get, post};

const PLACES: [Place; 3] = [Place::Authorization, Place::OwnHeader, Place::Query];

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
    for (front, place) in Front::ALL
        .iter()
        .flat_map(|front| PLACES.map(|place| (*front, place)))
    {
        let (api, source) = start(place).await;
        api.takes_from(1);
        let mut request = post(api.url("/me?q=1"));
        for value in ["kept", "with its second value"] {
            request
                .headers_mut()
                .append("x-mine", value.parse().unwrap());
        }
        let response = front.scripted(source.clone()).send(request).await.unwrap();
        assert_eq!(
            (response.status(), &response.body()[..]),
            (StatusCode::OK, &b"a body"[..])
        );
        let [first, second] = &api.seen()[..] else {
            panic!("two requests")
        };
        assert_eq!(
            (first.token(), second.token()),
            (Some("secret-0"), Some("secret-1"))
        );
        assert_eq!((&*first.body, &*second.body), ("a body", "a body"));
        assert_eq!(first.method, second.method);
        assert_eq!(without_token(first), without_token(second));
        assert_eq!(second.headers.get_all("x-mine").iter().count(), 2);
        assert!(second.uri.to_string().starts_with("/me?q=1"));
        assert!(
            !second.uri.to_string().contains("secret-0"),
            "the old token is gone"
        );
        assert_eq!(
            (source.replaced.load(SeqCst), source.rejected.load(SeqCst)),
            (1, 0)
        );
    }
}

#[tokio::test]
async fn a_second_rejection_goes_to_the_caller_and_is_reported() {
    for front in Front::ALL {
        let (api, source) = start(Place::Authorization).await;
        api.takes_from(9);
        let response = front
            .scripted(source.clone())
            .send(post(api.url("/me")))
            .await;
        assert_eq!(response.unwrap().status(), StatusCode::UNAUTHORIZED);
        assert_eq!(api.seen().len(), 2, "one replay, no loop");
        assert_eq!(
            (source.replaced.load(SeqCst), source.rejected.load(SeqCst)),
            (1, 1)
        );
    }
}

#[tokio::test]
async fn without_a_better_token_the_response_goes_to_the_caller() {
    for front in Front::ALL {
        let (api, source) = start(Place::Authorization).await;
        api.takes_from(1);
        let response = front
            .scripted(source.held_off())
            .send(post(api.url("/me")))
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(&response.body()[..], b"no", "with its body");
        assert_eq!(api.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_token_that_cannot_be_replaced_fails_the_request() {
    for front in Front::ALL {
        let (api, source) = start(Place::Authorization).await;
        api.takes_from(1);
        let sent = front
            .scripted(source.clone().irreplaceable())
            .send(post(api.url("/me")))
            .await;
        let error = sent.unwrap_err();
        assert!(
            matches!(Error::find(&*error), Some(Error::ShutDown)),
            "{error:?}"
        );
        assert_eq!(
            error.to_string(),
            "the API rejected the token (401), and no replacement is available"
        );
        assert_eq!(api.seen().len(), 1, "not replayed");
    }
}

#[tokio::test]
async fn a16_a_429_passes_with_its_headers_and_no_refresh() {
    for front in Front::ALL {
        let (api, source) = start(Place::Authorization).await;
        let response = front
            .scripted(source.clone())
            .send(post(api.url("/limited")))
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
            "the head was classified"
        );
    }
}

#[tokio::test]
async fn without_replay_the_response_passes_and_is_reported() {
    for front in Front::ALL {
        let (api, source) = start(Place::Authorization).await;
        api.takes_from(1);
        let mut request = post(api.url("/me"));
        request.extensions_mut().insert(NoReplay);
        let response = front.scripted(source.clone()).send(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(
            (source.replaced.load(SeqCst), source.rejected.load(SeqCst)),
            (0, 1)
        );
        assert_eq!(
            *source.asked.lock().unwrap(),
            [false],
            "asked as not replayable"
        );
    }
}

#[tokio::test]
async fn a_request_waits_for_a_token_and_never_leaves_without() {
    for front in Front::ALL {
        let (api, source) = start(Place::Authorization).await;
        let source = source.cold();
        let client = front.scripted(source.clone());
        let send = || {
            let (client, request) = (client.clone(), get(api.url("/me")));
            tokio::spawn(async move { client.send(request).await })
        };
        let (call, dropped) = (send(), send());
        while source.waits.load(SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
        assert!(api.seen().is_empty());
        dropped.abort();
        assert!(dropped.await.unwrap_err().is_cancelled());
        source.arrival.add_permits(1);
        assert_eq!(call.await.unwrap().unwrap().status(), StatusCode::OK);
        assert_eq!(api.seen().len(), 1);
    }
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    for front in Front::ALL {
        let (api, source) = start(Place::Authorization).await;
        let error = front
            .scripted(source.failing())
            .send(post(api.url("/me")))
            .await
            .unwrap_err();
        assert!(
            matches!(Error::find(&*error), Some(Error::ShutDown)),
            "{error:?}"
        );
        assert!(api.seen().is_empty());
    }
}
