//! The headers of every request to a provider.

use http::header::{ACCEPT, ACCEPT_ENCODING, USER_AGENT};
use tokenkeeper_engine::Error;

use crate::harness::{World, login};

/// Returns the named header of each request to the token and revocation endpoints.
fn headers(world: &World, name: http::HeaderName) -> Vec<String> {
    let requests = world.emulator.recorded_requests().into_iter();
    requests
        .filter(|request| ["/token", "/revoke"].contains(&request.uri().path()))
        .map(|request| request.headers()[&name].to_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn every_request_names_the_product_and_asks_for_plain_json() {
    let world = World::plain();
    let account = world.account();
    login(&world.emulator, &account).await.unwrap();
    account.refresh().await.unwrap();
    account.disconnect().await.unwrap();
    let ours = format!("tokenkeeper/{}", env!("CARGO_PKG_VERSION"));
    let sent = headers(&world, USER_AGENT);
    assert!(
        sent.len() >= 4,
        "a login, a refresh and two revocations: {sent:?}"
    );
    for (name, expected) in [
        (USER_AGENT, ours.as_str()),
        (ACCEPT, "application/json"),
        (ACCEPT_ENCODING, "identity"),
    ] {
        assert!(headers(&world, name).iter().all(|value| value == expected));
    }
}

#[tokio::test(start_paused = true)]
async fn an_application_sets_its_own_user_agent() {
    let world = World::plain();
    let accounts = world
        .builder()
        .user_agent("acme-sync/2.1 (+https://acme.example)");
    let account = world.account_of(&accounts.build().unwrap());
    login(&world.emulator, &account).await.unwrap();
    let sent = headers(&world, USER_AGENT);
    assert_eq!(sent, ["acme-sync/2.1 (+https://acme.example)"]);
    for wrong in ["", " a", "a ", "a\nb", "a\tb", "é"] {
        let error = world.builder().user_agent(wrong).build().unwrap_err();
        assert!(matches!(error, Error::Build(_)), "{wrong:?}: {error:?}");
        assert!(error.to_string().contains("user agent"), "{error}");
    }
}
