//! The layer, the engine and the transport together, against the iOFFICE emulator.

use std::sync::Arc;

use http::{Request, Response, StatusCode};
use tokenkeeper_emulator::{
    DEFAULT_CLIENT_ID, DEFAULT_REDIRECT_URI, DEFAULT_USER, Emulator, Endpoint, Fault,
};
use tokenkeeper_engine::{
    Account, Accounts, Error as SourceError,
    protocol::{Registration, TokenSet},
};
use tokenkeeper_provider_ioffice::IOffice;
use tokenkeeper_store_memory::MemoryStore;
use tokenkeeper_tower::{BoxError, HyperTransport, TokenLayer};
use tower::{Layer as _, Service, ServiceExt as _};

use crate::support::{Text, hyper_client};

/// Starts an emulator and adopts tokens of one of its users.
async fn start() -> (Emulator, Account) {
    let emulator = Emulator::ioffice().start().await.unwrap();
    let registration = Registration::new(DEFAULT_CLIENT_ID, DEFAULT_REDIRECT_URI);
    let ioffice = IOffice::new(registration)
        .unwrap()
        .base(emulator.base())
        .unwrap();
    let crypto = Arc::new(rustls::crypto::ring::default_provider());
    let accounts = Accounts::builder(MemoryStore::new())
        .provider(ioffice)
        .transport(HyperTransport::with_crypto(crypto).unwrap())
        .build()
        .unwrap();
    let account = accounts.account("ioffice", "alice").unwrap();
    let issued = emulator.issue_tokens(DEFAULT_USER).unwrap();
    let tokens = TokenSet::new(issued.access_token).with_refresh_token(issued.refresh_token);
    account.adopt(tokens).await.unwrap();
    (emulator, account)
}

fn me(emulator: &Emulator) -> Request<Text> {
    let uri = emulator.url(Endpoint::Api).unwrap();
    Request::get(uri).body(Text::default()).unwrap()
}

#[tokio::test]
async fn i18_a_403_leads_to_one_refresh_and_one_replay() {
    let (emulator, account) = start().await;
    emulator.expire_access_tokens();
    let service = TokenLayer::new(account).layer(hyper_client());
    let response = service.oneshot(me(&emulator)).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let counters = emulator.counters();
    assert_eq!(
        (
            counters.refreshes(),
            counters.api_status(403),
            counters.api_status(200)
        ),
        (1, 1, 1)
    );
}

#[tokio::test]
async fn i18_a_second_403_goes_to_the_caller_without_a_loop() {
    let (emulator, account) = start().await;
    emulator.faults().always(Endpoint::Api, Fault::status(403));
    let service = TokenLayer::new(account).layer(hyper_client());
    for _ in 0..3 {
        let response = service.clone().oneshot(me(&emulator)).await.unwrap();
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
    }
    assert_eq!(
        emulator.counters().refreshes(),
        1,
        "further ones are held off"
    );
}

#[tokio::test]
async fn i19_a_second_401_goes_to_the_caller_and_ends_nothing() {
    let (emulator, account) = start().await;
    emulator.faults().next(Endpoint::Api, 2, Fault::status(401));
    let service = TokenLayer::new(account).layer(hyper_client());
    let response = service.clone().oneshot(me(&emulator)).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let response = service.oneshot(me(&emulator)).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(emulator.counters().refreshes(), 1);
}

#[tokio::test]
async fn i19_a_401_and_a_refused_refresh_end_the_account() {
    let (emulator, account) = start().await;
    emulator.revoke_user(DEFAULT_USER);
    let service = TokenLayer::new(account).layer(hyper_client());
    for _ in 0..2 {
        let error = service.clone().oneshot(me(&emulator)).await.unwrap_err();
        let found = SourceError::find(&*error);
        assert!(
            matches!(found, Some(SourceError::ReauthorizationRequired { .. })),
            "{error:?}"
        );
    }
    assert_eq!(emulator.counters().refreshes(), 1);
}

#[tokio::test]
async fn a_success_ends_the_trial_of_a_replacement() {
    let (emulator, account) = start().await;
    let service = TokenLayer::new(account).layer(hyper_client());
    // If a success went unnoticed, the second rejection would hold refreshes off.
    for refreshes in 1..=3 {
        emulator.expire_access_tokens();
        for _ in 0..2 {
            let response = service.clone().oneshot(me(&emulator)).await.unwrap();
            assert_eq!(response.status(), StatusCode::OK);
        }
        assert_eq!(emulator.counters().refreshes(), refreshes);
    }
}

/// Sends a request with a service that is not cloned, so that it remembers the token.
async fn send<S, B>(service: &mut S, emulator: &Emulator) -> Result<StatusCode, BoxError>
where
    S: Service<Request<Text>, Response = Response<B>, Error = BoxError>,
{
    let response = service.ready().await?.call(me(emulator)).await?;
    Ok(response.status())
}

#[tokio::test]
async fn a_service_sends_the_new_token_after_a_refresh() {
    let (emulator, account) = start().await;
    let mut service = TokenLayer::new(account.clone()).layer(hyper_client());
    for _ in 0..3 {
        let status = send(&mut service, &emulator).await.unwrap();
        assert_eq!(status, StatusCode::OK);
        // Ends the old token.
        account.refresh().await.unwrap();
    }
    let counters = emulator.counters();
    assert_eq!((counters.api_status(200), counters.refreshes()), (3, 3));
    assert_eq!(counters.api_status(401) + counters.api_status(403), 0);
}

#[tokio::test]
async fn a_service_sends_no_token_after_the_disconnect() {
    let (emulator, account) = start().await;
    let mut service = TokenLayer::new(account.clone()).layer(hyper_client());
    // The second request remembers the token, and the third takes it from there.
    for _ in 0..3 {
        let status = send(&mut service, &emulator).await.unwrap();
        assert_eq!(status, StatusCode::OK);
    }
    account.disconnect().await.unwrap();
    let error = send(&mut service, &emulator).await.unwrap_err();
    let found = SourceError::find(&*error);
    assert!(
        matches!(found, Some(SourceError::Disconnected { .. })),
        "{error:?}"
    );
    assert_eq!(emulator.counters().api_status(200), 3);
}
