//! A refresh token is never presented twice at once.

use futures_util::future::{join, join_all};
use http::StatusCode;
use tokenkeeper::{Error, MemoryStore};
use tokenkeeper_emulator::{Endpoint, Fault};

use crate::{
    client::{Front, get},
    setup::{SECOND, Setup, builder},
};

#[tokio::test]
async fn a_thousand_callers_make_one_token_request() {
    let setup = Setup::expired().await;
    let calls = (0..1000).map(|_| setup.account.token());
    for token in join_all(calls).await {
        assert_eq!(token.unwrap().generation(), 2);
    }
    assert_eq!(setup.emulator.counters().refreshes(), 1);
}

#[tokio::test]
async fn requests_of_both_fronts_share_one_refresh() {
    let setup = Setup::expired().await;
    let [tower, reqwest] = Front::ALL.map(|front| front.client(setup.account.clone()));
    let calls = (0..50).flat_map(|_| [&tower, &reqwest]);
    let calls = calls.map(|client| client.send(get(setup.api())));
    for response in join_all(calls).await {
        assert_eq!(response.unwrap().status(), StatusCode::OK);
    }
    assert_eq!(setup.emulator.counters().refreshes(), 1);
}

#[tokio::test]
async fn a_hundred_late_rejections_make_one_token_request() {
    for front in Front::ALL {
        let setup = Setup::expired().await;
        setup.account.token().await.unwrap();
        setup.emulator.expire_access_tokens();
        setup.emulator.reset_counters();
        let client = front.client(setup.account.clone());
        // The rejections of the old token arrive after it was refreshed.
        let gate = setup.emulator.faults().hold_answers(Endpoint::Api);
        let calls = (0..100).map(|_| client.send(get(setup.api())));
        let refresh = async {
            gate.arrived(100).await;
            setup.account.refresh().await.unwrap();
            gate.release();
        };
        let (responses, ()) = join(join_all(calls), refresh).await;
        for response in responses {
            assert_eq!(response.unwrap().status(), StatusCode::OK, "{front:?}");
        }
        assert_eq!(setup.emulator.counters().refreshes(), 1, "{front:?}");
    }
}

#[tokio::test]
async fn an_aborted_first_caller_fails_no_other() {
    let setup = Setup::expired().await;
    let gate = setup.emulator.faults().hold(Endpoint::Token);
    let ask = || {
        let account = setup.account.clone();
        tokio::spawn(async move { account.token().await })
    };
    let first = ask();
    gate.arrived(1).await;
    let others: Vec<_> = (0..10).map(|_| ask()).collect();
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    gate.release();
    for other in others {
        assert_eq!(other.await.unwrap().unwrap().generation(), 2);
    }
    assert_eq!(setup.emulator.counters().refreshes(), 1);
}

#[tokio::test]
async fn a_503_is_one_token_request_and_tells_all_when_to_retry() {
    let setup = Setup::expired().await;
    let faults = setup.emulator.faults();
    let retry_after = Some(7);
    faults.always(Endpoint::Token, Fault::Unavailable { retry_after });
    let calls = (0..100).map(|_| setup.account.token());
    for result in join_all(calls).await {
        match result.unwrap_err() {
            Error::Unavailable { retry_after, .. } => {
                assert!(
                    (5 * SECOND..=7 * SECOND).contains(&retry_after),
                    "{retry_after:?}"
                );
            }
            error => panic!("{error:?}"),
        }
    }
    assert_eq!(setup.emulator.counters().refreshes(), 1);
}

#[tokio::test]
async fn engines_over_one_store_make_one_token_request() {
    let store = MemoryStore::new();
    let setup = Setup::expired_in(store.clone()).await;
    let engines: Vec<_> = (0..8)
        .map(|_| {
            builder(store.clone(), setup.emulator.base())
                .build()
                .unwrap()
        })
        .collect();
    let calls = engines.iter().map(|engine| async move {
        let account = engine.account("amiqus", "user-42").unwrap();
        account.token().await.unwrap().generation()
    });
    let generations = join_all(calls).await;
    assert_eq!(generations, [2; 8]);
    let counters = setup.emulator.counters();
    assert_eq!(
        (counters.refreshes(), counters.presented_after_answer()),
        (1, 0)
    );
    for engine in engines {
        engine.shutdown(SECOND).await.unwrap();
    }
}
