//! Accounts whose API's origin only their login names.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response, header::AUTHORIZATION};
use http_body_util::Full;
use tokenkeeper_engine::{Account, Accounts, Error as EngineError};
use tokenkeeper_test_support::{StoreFault, World};
use tokenkeeper_tower::{BoxError, Error, Replay, TokenLayer, TokenPolicy};
use tower::{Layer as _, Service as _, ServiceExt as _, service_fn};

const ACME: &str = "https://acme.my.force.com/v1";
const OTHER: &str = "https://other.my.force.com/v1";

/// Sends a request, and returns whether it carried a token.
async fn send(policy: TokenPolicy, target: &str, account: &Account) -> Result<bool, BoxError> {
    let api = service_fn(|request: Request<Replay<Full<Bytes>>>| async move {
        let has_token = request.headers().contains_key(AUTHORIZATION);
        Ok::<_, Infallible>(Response::new(has_token))
    });
    let mut request = Request::get(target).body(Full::<Bytes>::default()).unwrap();
    request.extensions_mut().insert(account.clone());
    let service = TokenLayer::new(policy).layer(api);
    Ok(service.oneshot(request).await?.into_body())
}

/// Returns both kinds of policies of another process, which has not read the account.
fn policies(world: &World) -> Vec<(TokenPolicy, Account)> {
    let policy = |of: fn(&Accounts, &Account) -> TokenPolicy| {
        let accounts = world.another_process();
        let account = world.account_of(&accounts);
        (of(&accounts, &account), account)
    };
    vec![
        policy(|_, account| TokenPolicy::new(account.clone())),
        policy(|_, account| TokenPolicy::from_source(account.clone())),
        policy(|accounts, _| TokenPolicy::per_request(accounts)),
    ]
}

#[tokio::test(start_paused = true)]
async fn the_first_request_reads_the_account_and_carries_its_token() {
    let world = World::with_login_origin().await;
    for (policy, account) in policies(&world) {
        assert!(send(policy, ACME, &account).await.unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn another_tenants_origin_gets_no_token() {
    let world = World::with_login_origin().await;
    for (policy, account) in policies(&world) {
        assert!(!send(policy.clone(), OTHER, &account).await.unwrap());
        let strict = send(policy.strict_origins(true), OTHER, &account).await;
        let error = strict.unwrap_err();
        assert!(matches!(
            error.downcast_ref(),
            Some(Error::OtherOrigin { .. })
        ));
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_is_not_sent_if_the_account_cannot_be_read() {
    let world = World::with_login_origin().await;
    world.store.fail(usize::MAX, StoreFault::Refuse);
    for (policy, account) in policies(&world) {
        let error = send(policy, ACME, &account).await.unwrap_err();
        let error = EngineError::find(&*error);
        assert!(
            matches!(error, Some(EngineError::Store { .. })),
            "{error:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_of_a_disconnected_account_is_not_sent() {
    let world = World::with_login_origin().await;
    world.account().disconnect().await.unwrap();
    for (policy, account) in policies(&world) {
        let error = send(policy, ACME, &account).await.unwrap_err();
        let error = EngineError::find(&*error);
        assert!(
            matches!(error, Some(EngineError::Disconnected { .. })),
            "{error:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_scope_counts_before_the_account_is_read() {
    let world = World::with_login_origin().await;
    let accounts = world.another_process();
    let account = world.account_of(&accounts);
    let api = service_fn(|request: Request<Replay<Full<Bytes>>>| async move {
        let has_token = request.headers().contains_key(AUTHORIZATION);
        Ok::<_, Infallible>(Response::new(has_token))
    });
    let mut service = TokenLayer::per_request(&accounts).layer(api);
    let request = Request::get(ACME).body(Full::<Bytes>::default()).unwrap();
    let mut sent = None;
    account
        .scope(async { sent = Some(service.call(request)) })
        .await;
    // The account is read outside.
    let response = sent.unwrap().await.unwrap();
    assert!(response.into_body());
}
