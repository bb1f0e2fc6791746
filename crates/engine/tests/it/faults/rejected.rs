//! Access tokens that are rejected while no new one is available.

use tokenkeeper_emulator::{Endpoint, Fault as EndpointFault};
use tokenkeeper_engine::{Error, TokenSource};

use super::{html, refusal};
use crate::harness::{StoreFault, World, assert_err, credential};

/// Checks that rejections end in the expected error while the token endpoint fails.
async fn check_rejection(fault: EndpointFault, is_expected: fn(&Error) -> bool) -> World {
    let world = World::amiqus();
    let account = world.connect_account().await;
    let old = credential(&account).await.version();
    world.emulator.faults().always(Endpoint::Token, fault);
    for _ in 0..3 {
        let error = account.replacement(old).await.unwrap_err();
        assert!(is_expected(&error), "{error:?}");
    }
    world
}

#[tokio::test(start_paused = true)]
async fn a_rejection_while_the_endpoint_is_down_is_a_typed_error() {
    for down in [
        EndpointFault::HtmlServerError,
        EndpointFault::CutAfterBody,
        EndpointFault::TooManyRequestsBare,
        EndpointFault::Unavailable { retry_after: None },
        html(404),
    ] {
        check_rejection(down, |error| matches!(error, Error::Unavailable { .. })).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_rejection_while_the_client_is_refused_is_a_typed_error() {
    let refused = refusal(401, "invalid_client");
    let is_expected = |error: &Error| matches!(error, Error::Configuration { .. });
    let world = check_rejection(refused, is_expected).await;
    assert_eq!(world.token_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_rejection_while_the_store_is_down_is_a_typed_error() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    let old = credential(&account).await.version();
    world.store.fail(usize::MAX, StoreFault::Refuse);
    assert_err!(account.replacement(old).await, Error::Store { .. });
    assert_eq!(world.token_requests(), 0);
}
