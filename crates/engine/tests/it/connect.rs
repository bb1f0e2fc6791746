//! Logins and adoptions: a code is exchanged as carefully as a refresh token.

use std::{future::ready, sync::Arc};

use futures_util::StreamExt as _;
use tokenkeeper_emulator::{Emulator, Endpoint, Fault as EndpointFault, RegisteredClient};
use tokenkeeper_engine::{
    Advice, Clock as _, ConnectOptions, Error, EventKind, Flow, FlowError, Options,
    protocol::{Dialect, Redirect, RedirectError, Registration, TokenSet},
};
use tokenkeeper_store_memory::MemoryStore;

use crate::harness::{
    BASE, FaultyStore, StoreFault, World, approve, assert_err, build_engine, connection,
    drain_events, fortes, in_process, ioffice, issue_tokens, login, new_clock, plain, qics,
    seconds, settle, spawn_login, visit,
};

#[tokio::test(start_paused = true)]
async fn a_login_at_amiqus_stores_and_serves_tokens() {
    let world = World::amiqus();
    let mut events = world.accounts.events();
    let account = login(&world.emulator, &world.account()).await.unwrap();
    assert_eq!(world.call_api(&account).await, 200);
    assert_eq!(world.emulator.counters().exchanges(), 1);
    assert!(drain_events(&mut events).contains(&EventKind::Connected));
    let connection = connection(&account).await;
    assert_eq!(connection.generation, 1);
    assert!(connection.written);
}

#[tokio::test(start_paused = true)]
async fn the_status_tells_when_the_tokens_were_issued() {
    let world = World::amiqus();
    let account = login(&world.emulator, &world.account()).await.unwrap();
    let login = connection(&account).await.issued_at;
    assert_eq!(login, world.clock.wall());
    world.clock.advance(seconds(90));
    assert_eq!(connection(&account).await.issued_at, login);
    account.refresh().await.unwrap();
    let refresh = connection(&account).await.issued_at;
    assert_eq!(refresh, login + seconds(90));
}

#[tokio::test(start_paused = true)]
async fn a_lagging_subscriber_continues_with_the_newest_events() {
    let world = World::amiqus();
    let account = world.account();
    let events = world.accounts.events();
    for number in 0..1_500 {
        let tokens = TokenSet::new(format!("access-{number}"));
        account.adopt(tokens).await.unwrap();
    }
    account.disconnect().await.unwrap();
    let seen = events
        .take_while(|event| ready(event.kind != EventKind::Disconnected))
        .count()
        .await;
    assert!((1_000..1_500).contains(&seen), "{seen}");
}

#[tokio::test(start_paused = true)]
async fn a_login_at_qics_and_fortes_stores_and_serves_tokens() {
    let world = World::new(Emulator::qics(), qics(), Options::default());
    let account = world.accounts.account("qics-milestones", "u").unwrap();
    login(&world.emulator, &account).await.unwrap();
    assert_eq!(world.call_api(&account).await, 200);

    let world = World::new(Emulator::fortes(), fortes(), Options::default());
    let account = world.accounts.account("fortes-milestones", "u").unwrap();
    login(&world.emulator, &account).await.unwrap();
    assert_eq!(world.call_api(&account).await, 200);
}

#[tokio::test(start_paused = true)]
async fn a_login_at_ioffice_comes_back_in_the_fragment() {
    let world = World::new(Emulator::ioffice(), ioffice(), Options::default());
    let account = world.accounts.account_at("ioffice", BASE, "u").unwrap();
    login(&world.emulator, &account).await.unwrap();
    assert_eq!(world.call_api(&account).await, 200);
    assert!(world.accounts.account("ioffice", "u").is_err());
}

#[tokio::test(start_paused = true)]
async fn a_login_at_a_plain_provider_uses_pkce() {
    let world = World::new(Emulator::plain(), plain(|_| ()), Options::default());
    let account = world.accounts.account("plain", "u").unwrap();
    let start = account.connect().unwrap();
    assert!(
        start
            .url
            .query()
            .unwrap()
            .contains("code_challenge_method=S256")
    );
    let redirect = approve(&world.emulator, start.url.as_str()).await;
    world.accounts.finish(start.flow, redirect).await.unwrap();
    assert_eq!(world.call_api(&account).await, 200);
}

#[tokio::test(start_paused = true)]
async fn f4_qics_and_fortes_keep_their_accounts_apart() {
    let clock = new_clock();
    let emulator = in_process(Emulator::qics(), &clock);
    let store = Arc::new(FaultyStore::new(MemoryStore::new()));
    let first = build_engine(&emulator, store.clone(), &clock, qics(), Options::default());
    let second = build_engine(&emulator, store, &clock, fortes(), Options::default());
    let account = first.account("qics-milestones", "u").unwrap();
    login(&emulator, &account).await.unwrap();
    let other = second.account("fortes-milestones", "u").unwrap();
    assert_ne!(account.key(), other.key());
    assert_err!(other.token().await, Error::NotConnected { .. });
}

#[tokio::test(start_paused = true)]
async fn the_code_is_not_sent_while_the_store_is_down() {
    let world = World::amiqus();
    let (flow, redirect) = world.approved_login().await;
    world.store.fail(usize::MAX, StoreFault::Refuse);
    assert_err!(
        world.accounts.finish(flow, redirect).await,
        Error::Store { .. }
    );
    assert_eq!(world.token_requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_pending_record_is_written_before_the_code_is_sent() {
    let world = World::amiqus();
    let account = world.account();
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let login = spawn_login(&world, &account);
    gate.arrived(1).await;
    let record = world.store.record(&account.key()).await;
    assert!(record["login"]["attempt"]["id"].is_string(), "{record}");
    assert_eq!(record["state"], "empty");
    gate.release();
    login.await.unwrap().unwrap();
    let record = world.store.record(&account.key()).await;
    assert!(record.get("login").is_none(), "{record}");
}

#[tokio::test(start_paused = true)]
async fn the_old_tokens_stay_until_the_new_ones_are_written() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    world
        .emulator
        .faults()
        .once(Endpoint::Token, EndpointFault::ServerError);
    assert_err!(
        login(&world.emulator, &account).await,
        Error::Exchange { .. }
    );
    assert_eq!(world.call_api(&account).await, 200);
    let record = world.store.record(&account.key()).await;
    assert!(record.get("login").is_none(), "{record}");
}

#[tokio::test(start_paused = true)]
async fn a_caller_dropped_during_the_exchange_loses_nothing() {
    let world = World::amiqus();
    let account = world.account();
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let login = spawn_login(&world, &account);
    gate.arrived(1).await;
    login.abort();
    assert!(login.await.unwrap_err().is_cancelled());
    gate.release();
    settle().await;
    assert_eq!(world.call_api(&account).await, 200);
    assert_eq!(world.emulator.counters().exchanges(), 1);
}

#[tokio::test(start_paused = true)]
async fn q5_a_code_is_never_sent_twice() {
    let world = World::amiqus();
    let (flow, redirect) = world.approved_login().await;
    let fault = EndpointFault::CutAfterBody;
    world.emulator.faults().once(Endpoint::Token, fault);
    let finish = world.accounts.finish(flow.clone(), redirect.clone());
    assert_err!(finish.await, Error::Exchange { .. });
    assert_eq!(world.token_requests(), 1);
    let again = world.accounts.finish(flow, redirect).await;
    assert!(matches!(again, Err(Error::Flow(FlowError::Used))));
    assert_eq!(world.token_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a7_a_code_works_for_ten_minutes() {
    for (wait, works) in [(599, true), (601, false)] {
        let options = Options::new().login_timeout(seconds(3600));
        let world = World::amiqus_with(options);
        let (flow, redirect) = world.approved_login().await;
        world.advance(seconds(wait)).await;
        let result = world.accounts.finish(flow, redirect).await;
        assert_eq!(result.is_ok(), works, "{result:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn q3b_a_denial_without_state_leaves_the_login_alive() {
    let world = World::new(Emulator::qics(), qics(), Options::default());
    let account = world.accounts.account("qics-milestones", "u").unwrap();
    let start = account.connect().unwrap();
    let denied = Redirect::query("error=access_denied");
    for _ in 0..2 {
        let denied = world.accounts.finish(start.flow.clone(), denied.clone());
        let error = denied.await.unwrap_err();
        assert_eq!(error.advice(), Advice::StartAgain);
        let Error::Redirect(reason) = error else {
            panic!("{error:?}");
        };
        assert!(matches!(*reason, RedirectError::DeniedWithoutState { .. }));
    }
    let redirect = approve(&world.emulator, start.url.as_str()).await;
    world.accounts.finish(start.flow, redirect).await.unwrap();
    assert_eq!(world.call_api(&account).await, 200);
}

#[tokio::test(start_paused = true)]
async fn a_login_at_another_loopback_port_exchanges_with_it() {
    let client = RegisteredClient::new("my-client").secret("s3cr3t");
    let emulator = Emulator::plain().client(client.redirect_uri("http://127.0.0.1:49152/cb"));
    let registration = Registration::new("my-client", "http://127.0.0.1/cb").secret("s3cr3t");
    let provider = Dialect::rfc6749("plain", BASE).unwrap().with(registration);
    let world = World::new(emulator, provider.unwrap(), Options::default());
    let account = world.accounts.account("plain", "u").unwrap();
    let options = ConnectOptions::new().redirect_port(49152);
    let start = account.connect_with(&options).unwrap();
    let location = visit(&world.emulator, &format!("{}&approve=1", start.url)).await;
    assert!(
        location.starts_with("http://127.0.0.1:49152/cb?"),
        "{location}"
    );
    let redirect = Redirect::from_url(location).unwrap();
    world.accounts.finish(start.flow, redirect).await.unwrap();
    assert_eq!(world.call_api(&account).await, 200);
}

#[tokio::test(start_paused = true)]
async fn a_login_of_a_native_application_ends_at_its_scheme() {
    let uri = "com.example.app:/oauth/callback";
    let client = RegisteredClient::new("my-client").secret("s3cr3t");
    let emulator = Emulator::plain().client(client.redirect_uri(uri));
    let registration = Registration::new("my-client", uri).secret("s3cr3t");
    let provider = Dialect::rfc6749("plain", BASE).unwrap().with(registration);
    let world = World::new(emulator, provider.unwrap(), Options::default());
    let account = world.accounts.account("plain", "u").unwrap();
    let start = account.connect().unwrap();
    let location = visit(&world.emulator, &format!("{}&approve=1", start.url)).await;
    assert!(location.starts_with(&format!("{uri}?code=")), "{location}");
    let redirect = Redirect::from_url(location).unwrap();
    world.accounts.finish(start.flow, redirect).await.unwrap();
    assert_eq!(world.call_api(&account).await, 200);
}

#[tokio::test(start_paused = true)]
async fn a_redirect_port_beyond_loopback_is_refused() {
    let options = ConnectOptions::new().redirect_port(49152);
    let refused = World::amiqus().account().connect_with(&options);
    assert_err!(refused, Error::Protocol(_));
}

#[tokio::test(start_paused = true)]
async fn q3_a_forged_state_sends_nothing_and_keeps_the_flow() {
    let world = World::amiqus();
    let start = world.account().connect().unwrap();
    let forged = Redirect::query("code=abc&state=forged");
    let refused = world.accounts.finish(start.flow.clone(), forged).await;
    assert!(matches!(refused, Err(Error::Redirect(_))), "{refused:?}");
    assert_eq!(world.token_requests(), 0);
    let redirect = approve(&world.emulator, start.url.as_str()).await;
    world.accounts.finish(start.flow, redirect).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_flow_expires_after_ten_minutes_and_cannot_be_forged() {
    let world = World::amiqus();
    let (flow, redirect) = world.approved_login().await;
    let forged = Flow::from(format!("{}A", flow.as_str()));
    let refused = world.accounts.finish(forged, redirect.clone()).await;
    assert!(matches!(refused, Err(Error::Flow(FlowError::NotOurs))));
    world.advance(seconds(601)).await;
    let late = world.accounts.finish(flow, redirect).await;
    assert!(matches!(late, Err(Error::Flow(FlowError::Expired))));
    assert_eq!(world.token_requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn adopted_tokens_are_served_and_refreshed() {
    let world = World::amiqus();
    let account = world.account();
    account.adopt(issue_tokens(&world.emulator)).await.unwrap();
    assert_eq!(world.call_api(&account).await, 200);
    account.refresh().await.unwrap();
    assert_eq!(world.call_api(&account).await, 200);
    assert_eq!(world.emulator.counters().refreshes(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_newer_of_two_logins_wins() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    let number = async || {
        let record = world.store.record(&account.key()).await;
        let number = &record["state"]["live"]["authorization"]["number"];
        number.as_u64().unwrap()
    };
    let before = number().await;
    login(&world.emulator, &account).await.unwrap();
    let after = number().await;
    assert!(after > before);
    // A clock behind the stored number still leads to a higher number.
    world.clock.jump_back(seconds(86_400));
    login(&world.emulator, &account).await.unwrap();
    assert!(number().await > after);
}

#[tokio::test(start_paused = true)]
async fn a_login_superseded_after_its_success_is_reported() {
    let world = World::without_notifications(Options::default());
    let (here, there) = world.connect_in_two_processes().await;
    let mut events = world.accounts.events();
    // The pending login is written, and its result is not.
    world.store.fail_after(1, 1, StoreFault::Refuse);
    login(&world.emulator, &here).await.unwrap();
    assert_eq!(drain_events(&mut events), [EventKind::StoreBehind]);
    login(&world.emulator, &there).await.unwrap();
    world.advance(seconds(1)).await;
    settle().await;
    let reported = drain_events(&mut events);
    assert!(reported.contains(&EventKind::Superseded), "{reported:?}");
    assert!(!reported.contains(&EventKind::Connected), "{reported:?}");
    assert_eq!(world.call_api(&here).await, 200, "newer login");
}
