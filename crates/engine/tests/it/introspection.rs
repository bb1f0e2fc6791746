//! What the provider says about an account's token.

use tokenkeeper_emulator::{Emulator, Endpoint, Fault};
use tokenkeeper_engine::{
    Advice, Error, IntrospectionError, Options,
    protocol::{IntrospectionError as Answer, TokenSet},
};

use crate::harness::{HOUR, StoreFault, World, assert_err, connection, ioffice, seconds};

#[tokio::test(start_paused = true)]
async fn a_valid_token_is_active_until_it_expires() {
    let world = World::plain();
    let account = world.connect_account().await;
    let found = account.introspect().await.unwrap();
    assert!(found.active);
    assert_eq!(
        found.client_id.as_deref(),
        Some(tokenkeeper_emulator::DEFAULT_CLIENT_ID)
    );
    let expires_at = connection(&account).await.expires_at.unwrap();
    let apart = expires_at.duration_since(found.expires_at.unwrap());
    assert!(apart.unwrap() <= seconds(1));

    // It asks about the current token, and refreshes nothing.
    world.advance(HOUR).await;
    assert!(!account.introspect().await.unwrap().active);
    assert_eq!(world.token_requests(), 0);
    account.refresh().await.unwrap();
    assert!(account.introspect().await.unwrap().active);
    assert_eq!(world.emulator.counters().introspections, 3);
}

#[tokio::test(start_paused = true)]
async fn ioffice_describes_a_token_without_saying_that_it_is_active() {
    let emulator = Emulator::ioffice().access_token_lifetime(HOUR);
    let world = World::new(emulator, ioffice(), Options::default());
    let account = world.connect_account().await;
    let found = account.introspect().await.unwrap();
    assert!(found.active && found.username.is_some());
    let expires_at = connection(&account).await.expires_at;
    assert_eq!(found.expires_at, expires_at);
    world.emulator.expire_access_tokens();
    assert!(!account.introspect().await.unwrap().active);
}

#[tokio::test(start_paused = true)]
async fn an_inactive_token_changes_nothing_about_the_account() {
    let world = World::plain();
    let account = world.account();
    account.adopt(TokenSet::new("unknown-1")).await.unwrap();
    let before = connection(&account).await;
    assert!(!account.introspect().await.unwrap().active);
    assert_eq!(connection(&account).await, before);
    assert_eq!(account.token().await.unwrap().expose(), "unknown-1");
}

#[tokio::test(start_paused = true)]
async fn a_provider_without_introspection_says_so() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    let error = account.introspect().await.unwrap_err();
    let Error::Introspection { source, .. } = &error else {
        panic!("{error:?}");
    };
    assert!(matches!(source, IntrospectionError::Unsupported));
    assert_eq!(error.advice(), Advice::FixConfiguration);
}

#[tokio::test(start_paused = true)]
async fn a_failed_introspection_says_nothing_about_the_token() {
    let world = World::plain();
    let account = world.connect_account().await;
    let faults = world.emulator.faults();
    let retry_after = Some(7);
    faults.once(Endpoint::Introspect, Fault::Unavailable { retry_after });
    let error = account.introspect().await.unwrap_err();
    assert_eq!(error.advice(), Advice::Retry { after: seconds(7) });

    faults.once(Endpoint::Introspect, Fault::CutBeforeAnswer);
    let error = account.introspect().await.unwrap_err();
    assert_eq!(error.advice(), Advice::Retry { after: seconds(1) });

    let client = tokenkeeper_emulator::DEFAULT_CLIENT_ID;
    world.emulator.change_secret(client, "another");
    let error = account.introspect().await.unwrap_err();
    let Error::Introspection { source, .. } = &error else {
        panic!("{error:?}");
    };
    let refused = matches!(source, IntrospectionError::Response(Answer::Refused { .. }));
    assert!(refused, "{source:?}");
    assert_eq!(error.advice(), Advice::FixConfiguration);
    assert_eq!(world.call_api(&account).await, 200);
}

#[tokio::test(start_paused = true)]
async fn only_a_connected_account_has_a_token_to_ask_about() {
    let world = World::plain();
    let account = world.account();
    assert_err!(account.introspect().await, Error::NotConnected { .. });
    let account = world.connect_account().await;
    world.store.fail(usize::MAX, StoreFault::Refuse);
    assert!(account.introspect().await.unwrap().active, "memory has it");
    assert_err!(
        world.account_elsewhere().introspect().await,
        Error::Store { .. }
    );
    world.store.recover();
    account.disconnect().await.unwrap();
    assert_err!(account.introspect().await, Error::Disconnected { .. });
    assert_eq!(world.emulator.counters().introspections, 1);
}
