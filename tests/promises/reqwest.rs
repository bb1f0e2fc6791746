//! The reqwest middleware: no token follows a redirect to another origin.

use http::StatusCode;
use tokenkeeper::{
    Accounts, MemoryStore,
    providers::Amiqus,
    reqwest::{ReqwestTransport, TokenMiddleware},
};
use tokenkeeper_emulator::{DEFAULT_USER, Emulator, Endpoint};
use tokenkeeper_test_support::{
    api::Api,
    scripted::{Place, Scripted},
};

use crate::{
    client::{Front, get, reqwest_builder},
    setup::{expired, registration},
};

#[tokio::test]
async fn token_requests_leave_by_reqwest_too() {
    let emulator = Emulator::amiqus().start().await.unwrap();
    let provider = Amiqus::new(registration()).unwrap();
    let accounts = Accounts::builder(MemoryStore::new())
        .provider(provider.base(emulator.base()).unwrap())
        .transport(ReqwestTransport::from_builder(reqwest_builder).unwrap())
        .build()
        .unwrap();
    let account = accounts.account("amiqus", "user-42").unwrap();
    let issued = emulator.issue_tokens(DEFAULT_USER).unwrap();
    account.adopt(expired(issued)).await.unwrap();
    let client = reqwest_middleware::ClientBuilder::new(reqwest_builder().build().unwrap())
        .with(TokenMiddleware::new(account).unwrap())
        .build();
    let api = emulator.url(Endpoint::Api).unwrap();
    let response = client.get(api).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(emulator.counters().refreshes(), 1);
}

#[tokio::test]
async fn no_token_follows_a_redirect_to_another_origin() {
    for place in [Place::Authorization, Place::OwnHeader, Place::Query] {
        let (api, foreign) = (Api::start().await, Api::start().await);
        let client = Front::Reqwest.scripted(Scripted::new(api.base(), place));
        let to = api.url(&format!("/to?{}", foreign.url("/me")));
        client.send(get(to)).await.unwrap();
        assert_eq!(api.seen().len(), 1);
        assert!(foreign.seen().iter().all(|seen| !seen.leaks()), "{place:?}");
    }
}
