//! Access tokens that are rejected while no other can be had.

use tokenkeeper_emulator::{Endpoint, Fault as Broken};
use tokenkeeper_engine::{Error, TokenSource};

use super::{html, refusal};
use crate::harness::{Fault, World};

#[tokio::test(start_paused = true)]
async fn a_rejection_while_the_endpoint_is_down_is_a_typed_error() {
    for down in [
        Broken::HtmlServerError,
        Broken::CutAfterBody,
        Broken::TooManyRequestsBare,
        Broken::Unavailable { retry_after: None },
        html(404),
    ] {
        let world = World::amiqus();
        let account = world.connected().await;
        let old = TokenSource::credential(&account, true)
            .await
            .unwrap()
            .version();
        let faults = world.emulator.faults();
        faults.always(Endpoint::Token, down);
        for _ in 0..3 {
            let error = account.replacement(old).await.unwrap_err();
            assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_rejection_while_the_client_is_refused_is_a_typed_error() {
    let world = World::amiqus();
    let account = world.connected().await;
    let old = TokenSource::credential(&account, true)
        .await
        .unwrap()
        .version();
    let faults = world.emulator.faults();
    faults.always(Endpoint::Token, refusal(401, "invalid_client"));
    for _ in 0..3 {
        let error = account.replacement(old).await.unwrap_err();
        assert!(matches!(error, Error::Configuration { .. }), "{error:?}");
    }
    assert_eq!(world.token_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_rejection_while_the_store_is_down_is_a_typed_error() {
    let world = World::amiqus();
    let account = world.connected().await;
    let old = TokenSource::credential(&account, true)
        .await
        .unwrap()
        .version();
    world.store.fail(usize::MAX, Fault::Refuse);
    let error = account.replacement(old).await.unwrap_err();
    assert!(matches!(error, Error::Store { .. }), "{error:?}");
    assert_eq!(world.token_requests(), 0);
}
