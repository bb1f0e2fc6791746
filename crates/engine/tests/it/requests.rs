//! The headers of every request to a provider.

use http::header::{ACCEPT, ACCEPT_ENCODING, USER_AGENT};
use tokenkeeper_engine::Error;

use crate::harness::{World, login, settle};

/// Returns the named header of each request to the token, revocation and introspection endpoints.
fn headers(world: &World, name: http::HeaderName) -> Vec<String> {
    let ends = ["/token", "/revoke", "/introspect"];
    let requests = world.emulator.recorded_requests().into_iter();
    requests
        .filter(|request| ends.iter().any(|end| request.uri().path().ends_with(end)))
        .map(|request| request.headers()[&name].to_str().unwrap().to_owned())
        .collect()
}

/// Whose revocation is a form, and whose revocation is a GET with one header.
fn worlds() -> [World; 2] {
    [World::plain(), World::ioffice()]
}

#[tokio::test(start_paused = true)]
async fn every_request_names_the_product_and_asks_for_plain_json() {
    let ours = format!("tokenkeeper/{}", env!("CARGO_PKG_VERSION"));
    for (world, least) in worlds().into_iter().zip([5, 4]) {
        let account = world.account();
        login(&world.emulator, &account).await.unwrap();
        account.refresh().await.unwrap();
        let _ = account.introspect().await;
        account.disconnect().await.unwrap();
        settle().await;
        let sent = headers(&world, USER_AGENT);
        assert!(sent.len() >= least, "{sent:?}");
        for (name, expected) in [
            (USER_AGENT, ours.as_str()),
            (ACCEPT, "application/json"),
            (ACCEPT_ENCODING, "identity"),
        ] {
            assert!(headers(&world, name).iter().all(|value| value == expected));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_header_of_the_dialect_has_precedence() {
    let world = World::plain_with(|dialect| {
        let product = "for-this-provider/1".to_owned().try_into().unwrap();
        dialect
            .token
            .headers
            .insert("user-agent".to_owned(), product);
        dialect.token.accept = Some("application/vnd.example+json".to_owned());
    });
    login(&world.emulator, &world.account()).await.unwrap();
    assert_eq!(headers(&world, USER_AGENT), ["for-this-provider/1"]);
    assert_eq!(headers(&world, ACCEPT), ["application/vnd.example+json"]);
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
