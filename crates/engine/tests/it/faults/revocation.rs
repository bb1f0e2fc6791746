//! Revocations that fail at the provider.

use std::sync::atomic::{AtomicBool, Ordering};

use http::Request;
use tokenkeeper_emulator::{Emulator, Endpoint, Fault as EndpointFault};
use tokenkeeper_engine::{
    Account, EventKind, Options, RequestBody,
    protocol::{Client, Error as ProtocolError, Origin, Provider, TokenSet},
};
use tokio::time::sleep;

use super::refusal;
use crate::harness::{
    HOUR, MINUTE, World, drain_events, is_revocation_pending, issue_tokens, plain, seconds, settle,
};

/// Disconnects, and advances by 15 minutes with a call every second. Returns the refresh token.
async fn disconnected(world: &World) -> (Account, String) {
    let account = world.account();
    let tokens = issue_tokens(&world.emulator);
    let refresh_token = tokens.refresh_token.clone().unwrap();
    account.adopt(tokens).await.unwrap();
    let mut events = world.accounts.events();
    account.disconnect().await.unwrap();
    for _ in 0..15 * 60 {
        assert!(account.token().await.is_err());
        sleep(seconds(1)).await;
    }
    assert!(is_revocation_pending(&account).await);
    assert!(world.store.entry(&account.key()).await.unwrap().attention);
    let reported = drain_events(&mut events).into_iter();
    let reported = reported.filter(|kind| matches!(kind, EventKind::RevocationPending { .. }));
    assert_eq!(reported.count(), 1);
    let refresh_token = refresh_token.expose().to_owned();
    assert!(world.is_valid(&refresh_token).await);
    (account, refresh_token)
}

/// Asks once a minute until the revocation is no longer pending.
async fn until_revoked(account: &Account) {
    let mut waited = seconds(0);
    while is_revocation_pending(account).await {
        assert!(waited <= HOUR + MINUTE);
        sleep(MINUTE).await;
        waited += MINUTE;
        let _ = account.token().await;
        settle().await;
    }
}

#[tokio::test(start_paused = true)]
async fn only_a_successful_revocation_ends_the_retries() {
    for refused in [
        refusal(401, "invalid_client"),
        refusal(400, "unsupported_token_type"),
        EndpointFault::status(403),
        EndpointFault::status(404),
        EndpointFault::LoginRedirect,
        EndpointFault::TooManyRequestsBare,
        EndpointFault::HtmlServerError,
    ] {
        let world = World::plain();
        let faults = world.emulator.faults();
        faults.always(Endpoint::Revoke, refused);
        let (account, refresh_token) = disconnected(&world).await;
        let requests = world.revocation_requests().len();
        assert!((2..40).contains(&requests), "{requests} in 15 minutes");
        faults.clear_all();
        until_revoked(&account).await;
        assert!(!world.is_valid(&refresh_token).await);
        assert!(!world.store.entry(&account.key()).await.unwrap().attention);
    }
}

/// A provider whose revocation requests cannot be built.
#[derive(Debug)]
struct Unbuildable {
    inner: Client,
    broken: AtomicBool,
}

impl Provider for Unbuildable {
    fn client(&self) -> &Client {
        &self.inner
    }

    fn revocation_requests(
        &self,
        site: &Origin,
        tokens: &TokenSet,
    ) -> Result<Vec<Request<RequestBody>>, ProtocolError> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(ProtocolError::NotEnabled {
                what: "revocation",
                how: "wait for the next version",
            });
        }
        self.inner.revocation_requests(site, tokens)
    }
}

#[tokio::test(start_paused = true)]
async fn a_revocation_that_cannot_be_built_stays_pending() {
    let provider = std::sync::Arc::new(Unbuildable {
        inner: plain(|_| ()),
        broken: AtomicBool::new(true),
    });
    let emulator = Emulator::plain()
        .record_requests()
        .access_token_lifetime(HOUR);
    let world = World::new(emulator, provider.clone(), Options::default());
    let (account, refresh_token) = disconnected(&world).await;
    assert_eq!(world.revocation_requests().len(), 0);
    provider.broken.store(false, Ordering::SeqCst);
    until_revoked(&account).await;
    assert!(!world.is_valid(&refresh_token).await);
}
