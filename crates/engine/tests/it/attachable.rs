//! Tokens that may not be attached, and refusals of the API that no refresh mends.

use http::{HeaderMap, StatusCode};
use tokenkeeper_emulator::{Endpoint, Fault as EndpointFault};
use tokenkeeper_engine::{
    Advice, Error, EventKind, TokenSource as _,
    protocol::{Error as ProtocolError, Verdict},
};

use crate::harness::{World, connection, credential, drain_events, settle};

#[tokio::test(start_paused = true)]
async fn a_token_of_another_type_is_kept_and_never_attached() {
    for token_type in ["DPoP", "bot", "urn:example:type"] {
        let world = World::plain();
        let account = world.connect_account().await;
        let mut events = world.accounts.events();
        let other = EndpointFault::field("token_type", token_type);
        world.emulator.faults().once(Endpoint::Token, other);
        account.refresh().await.unwrap();

        for _ in 0..3 {
            let error = account.token().await.unwrap_err();
            assert_eq!(error.advice(), Advice::FixConfiguration);
            let Error::Protocol(source) = &error else {
                panic!("{error:?}");
            };
            assert!(
                matches!(**source, ProtocolError::TokenType { .. }),
                "{error:?}"
            );
        }
        assert_eq!(account.try_credential(true), None);
        assert_eq!(world.token_requests(), 1);
        let record = world.store.record(&account.key()).await;
        let tokens = &record["state"]["live"]["tokens"]["tokens"];
        assert_eq!(tokens["token_type"], token_type);
        assert!(tokens["refresh_token"].is_string());
        assert!(connection(&account).await.misconfigured);
        let misconfigured =
            |event: &EventKind| matches!(event, EventKind::Misconfigured { failure: None });
        let told = drain_events(&mut events).into_iter().filter(misconfigured);
        assert_eq!(told.count(), 1);

        // A process whose dialect lists the type uses the same tokens. DPoP cannot be listed.
        if token_type != "DPoP" {
            let listed = crate::harness::plain(|dialect| {
                dialect.response.token_types = vec![token_type.to_owned()];
            });
            let elsewhere = world.builder_for(listed).build().unwrap();
            world.account_of(&elsewhere).token().await.unwrap();
            assert_eq!(world.token_requests(), 1);
        }

        // So does this one after a refresh that brings a bearer token.
        account.refresh().await.unwrap();
        account.token().await.unwrap();
        assert!(!connection(&account).await.misconfigured);
    }
}

#[tokio::test(start_paused = true)]
async fn a_bearer_token_in_any_case_is_attached() {
    for token_type in ["bearer", "BEARER", ""] {
        let world = World::plain();
        let account = world.connect_account().await;
        let spelled = EndpointFault::field("token_type", token_type);
        world.emulator.faults().once(Endpoint::Token, spelled);
        account.refresh().await.unwrap();
        assert_eq!(world.call_api(&account).await, 200, "{token_type}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_narrow_scope_is_an_event_and_starts_no_refresh() {
    let world = World::ioffice();
    let account = world.connect_account().await;
    let mut events = world.accounts.events();
    let sent = credential(&account).await.version();
    let mut headers = HeaderMap::new();
    let challenge = r#"Bearer error="insufficient_scope", scope="files.read files.write""#;
    headers.insert("www-authenticate", challenge.parse().unwrap());
    let scopes = vec!["files.read".to_owned(), "files.write".to_owned()];
    // This provider's 403 means an expired token otherwise.
    let verdict = account.classify_response(sent, StatusCode::FORBIDDEN, &headers);
    assert_eq!(
        verdict,
        Verdict::InsufficientScope {
            scopes: scopes.clone()
        }
    );
    settle().await;
    assert_eq!(world.token_requests(), 0);
    assert_eq!(
        drain_events(&mut events),
        [EventKind::InsufficientScope { scopes }]
    );
}

#[tokio::test(start_paused = true)]
async fn a_403_with_a_used_up_rate_limit_starts_no_refresh() {
    let world = World::ioffice();
    let account = world.connect_account().await;
    let mut events = world.accounts.events();
    let sent = credential(&account).await.version();
    let mut headers = HeaderMap::new();
    headers.insert("x-ratelimit-remaining", "0".parse().unwrap());
    let verdict = account.classify_response(sent, StatusCode::FORBIDDEN, &headers);
    let retry_after = None;
    assert_eq!(verdict, Verdict::RateLimited { retry_after });
    settle().await;
    assert_eq!(world.token_requests(), 0);
    assert_eq!(
        drain_events(&mut events),
        [EventKind::RateLimited { retry_after }]
    );
}
