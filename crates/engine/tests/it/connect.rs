//! a code is exchanged like a refresh token.

use std::{future::ready, sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use tokenkeeper_emulator::{
    DEFAULT_CLIENT_ID, DEFAULT_REDIRECT_URI, Emulator, Endpoint, Fault as Broken,
};
use tokenkeeper_engine::{
    Error, EventKind, Flow, FlowError, Options, Status,
    protocol::{Dialect, Redirect, RedirectError, Registration, SitePolicy, TokenSet},
};
use tokenkeeper_provider_fortes_milestones::FortesMilestones;
use tokenkeeper_provider_ioffice::IOffice;
use tokenkeeper_provider_qics_milestones::QicsMilestones;

use crate::harness::{
    BASE, Fault, World, approve, drain, engine, in_process, issued, login, new_clock, redirect_of,
    registration, settle, visit,
};

#[tokio::test(start_paused = true)]
async fn a_login_at_amiqus_stores_and_serves_tokens() {
    let world = World::amiqus();
    let mut events = world.accounts.events();
    let account = login(&world.emulator, &world.account()).await.unwrap();
    assert_eq!(world.call(&account).await, 200);
    assert_eq!(world.emulator.counters().exchanges(), 1);
    assert!(drain(&mut events).contains(&EventKind::Connected));
    let Status::Connected(connection) = account.status().await.unwrap() else {
        panic!("not connected");
    };
    assert_eq!(connection.generation, 1);
    assert!(connection.written);
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_fell_behind_goes_on_with_the_newest_events() {
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
    let qics = QicsMilestones::new(registration())
        .unwrap()
        .base(BASE)
        .unwrap();
    let world = World::new(Emulator::qics(), qics, Options::default());
    let account = world.accounts.account("qics-milestones", "u").unwrap();
    login(&world.emulator, &account).await.unwrap();
    assert_eq!(world.call(&account).await, 200);

    let fortes = FortesMilestones::new(registration())
        .unwrap()
        .base(BASE)
        .unwrap();
    let world = World::new(Emulator::fortes(), fortes, Options::default());
    let account = world.accounts.account("fortes-milestones", "u").unwrap();
    login(&world.emulator, &account).await.unwrap();
    assert_eq!(world.call(&account).await, 200);
}

#[tokio::test(start_paused = true)]
async fn a_login_at_ioffice_comes_back_in_the_fragment() {
    let registration = Registration::new(DEFAULT_CLIENT_ID, DEFAULT_REDIRECT_URI).unwrap();
    let sites = SitePolicy::only([BASE]).unwrap().allow_loopback();
    let ioffice = IOffice::new(registration).unwrap().sites(sites);
    let world = World::new(Emulator::ioffice(), ioffice, Options::default());
    let account = world.accounts.account_at("ioffice", BASE, "u").unwrap();
    login(&world.emulator, &account).await.unwrap();
    assert_eq!(world.call(&account).await, 200);
    assert!(world.accounts.account("ioffice", "u").is_err());
}

#[tokio::test(start_paused = true)]
async fn a_login_at_a_plain_provider_uses_pkce() {
    let plain = Dialect::rfc6749("plain", BASE)
        .unwrap()
        .with(registration())
        .unwrap();
    let world = World::new(Emulator::plain(), plain, Options::default());
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
    assert_eq!(world.call(&account).await, 200);
}

#[tokio::test(start_paused = true)]
async fn f4_qics_and_fortes_keep_their_accounts_apart() {
    let clock = new_clock();
    let emulator = in_process(Emulator::qics(), &clock);
    let store = Arc::new(crate::harness::FaultyStore::new(
        tokenkeeper_store_memory::MemoryStore::new(),
    ));
    let qics = QicsMilestones::new(registration())
        .unwrap()
        .base(BASE)
        .unwrap();
    let fortes = FortesMilestones::new(registration())
        .unwrap()
        .base(BASE)
        .unwrap();
    let first = engine(&emulator, store.clone(), &clock, qics, Options::default());
    let second = engine(&emulator, store, &clock, fortes, Options::default());
    let account = first.account("qics-milestones", "u").unwrap();
    login(&emulator, &account).await.unwrap();
    let other = second.account("fortes-milestones", "u").unwrap();
    assert_ne!(account.key(), other.key());
    assert!(matches!(
        other.token().await,
        Err(Error::NotConnected { .. })
    ));
}

#[tokio::test(start_paused = true)]
async fn the_code_is_not_sent_while_the_store_is_down() {
    let world = World::amiqus();
    let start = world.account().connect().unwrap();
    let redirect = approve(&world.emulator, start.url.as_str()).await;
    world.store.fail(usize::MAX, Fault::Refuse);
    let error = world
        .accounts
        .finish(start.flow, redirect)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Store { .. }), "{error:?}");
    assert_eq!(world.token_requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_pending_record_is_written_before_the_code_is_sent() {
    let world = World::amiqus();
    let account = world.account();
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let login = tokio::spawn({
        let (emulator, account) = (world.emulator.clone(), account.clone());
        async move { login(&emulator, &account).await }
    });
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
    let account = world.connected().await;
    world
        .emulator
        .faults()
        .once(Endpoint::Token, Broken::ServerError);
    let error = login(&world.emulator, &account).await.unwrap_err();
    assert!(matches!(error, Error::Exchange { .. }), "{error:?}");
    assert_eq!(world.call(&account).await, 200);
    let record = world.store.record(&account.key()).await;
    assert!(record.get("login").is_none(), "{record}");
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_during_the_exchange_loses_nothing() {
    let world = World::amiqus();
    let account = world.account();
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let login = tokio::spawn({
        let (emulator, account) = (world.emulator.clone(), account.clone());
        async move { login(&emulator, &account).await }
    });
    gate.arrived(1).await;
    login.abort();
    assert!(login.await.unwrap_err().is_cancelled());
    gate.release();
    settle().await;
    assert_eq!(world.call(&account).await, 200);
    assert_eq!(world.emulator.counters().exchanges(), 1);
}

#[tokio::test(start_paused = true)]
async fn q5_a_code_is_never_sent_twice() {
    let world = World::amiqus();
    let start = world.account().connect().unwrap();
    let redirect = approve(&world.emulator, start.url.as_str()).await;
    let fault = Broken::CutAfterBody;
    world.emulator.faults().once(Endpoint::Token, fault);
    let finish = world.accounts.finish(start.flow.clone(), redirect.clone());
    assert!(matches!(finish.await, Err(Error::Exchange { .. })));
    assert_eq!(world.token_requests(), 1);
    let again = world.accounts.finish(start.flow, redirect).await;
    assert!(matches!(again, Err(Error::Flow(FlowError::Used))));
    assert_eq!(world.token_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a7_a_code_works_for_ten_minutes() {
    for (wait, works) in [(599, true), (601, false)] {
        let options = Options::new().login_timeout(Duration::from_secs(3600));
        let world = World::amiqus_with(options);
        let start = world.account().connect().unwrap();
        let redirect = approve(&world.emulator, start.url.as_str()).await;
        world.pass(Duration::from_secs(wait)).await;
        let result = world.accounts.finish(start.flow, redirect).await;
        assert_eq!(result.is_ok(), works, "{result:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_denial_ends_the_flow_without_a_token_request() {
    let world = World::amiqus();
    let start = world.account().connect().unwrap();
    let location = visit(&world.emulator, &format!("{}&deny=1", start.url)).await;
    let denied = world
        .accounts
        .finish(start.flow.clone(), redirect_of(&location))
        .await;
    let Err(Error::Redirect(reason)) = denied else {
        panic!("{denied:?}");
    };
    assert!(matches!(*reason, RedirectError::Denied { .. }));
    let again = world
        .accounts
        .finish(start.flow, redirect_of(&location))
        .await;
    assert!(matches!(again, Err(Error::Flow(FlowError::Used))));
    assert_eq!(world.token_requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn q3_a_foreign_state_leads_to_no_token_request_and_leaves_the_flow_good() {
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
async fn a_flow_ends_after_ten_minutes_and_cannot_be_forged() {
    let world = World::amiqus();
    let start = world.account().connect().unwrap();
    let redirect = approve(&world.emulator, start.url.as_str()).await;
    let forged = Flow::from(format!("{}A", start.flow.as_str()));
    let refused = world.accounts.finish(forged, redirect.clone()).await;
    assert!(matches!(refused, Err(Error::Flow(FlowError::NotOurs))));
    world.pass(Duration::from_secs(601)).await;
    let late = world.accounts.finish(start.flow, redirect).await;
    assert!(matches!(late, Err(Error::Flow(FlowError::Expired))));
    assert_eq!(world.token_requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn adopted_tokens_are_served_and_refreshed() {
    let world = World::amiqus();
    let account = world.account();
    account.adopt(issued(&world.emulator)).await.unwrap();
    assert_eq!(world.call(&account).await, 200);
    account.refresh().await.unwrap();
    assert_eq!(world.call(&account).await, 200);
    assert_eq!(world.emulator.counters().refreshes(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_newer_of_two_logins_stands() {
    let world = World::amiqus();
    let account = world.connected().await;
    let number = |record: serde_json::Value| {
        record["state"]["live"]["authorization"]["number"]
            .as_u64()
            .unwrap()
    };
    let before = number(world.store.record(&account.key()).await);
    login(&world.emulator, &account).await.unwrap();
    let after = number(world.store.record(&account.key()).await);
    assert!(after > before);
    // A clock behind the number in the store still makes a higher one.
    world.clock.jump_back(Duration::from_secs(86_400));
    login(&world.emulator, &account).await.unwrap();
    assert!(number(world.store.record(&account.key()).await) > after);
}

#[tokio::test(start_paused = true)]
async fn a_login_that_is_overtaken_after_it_was_reported_as_done_is_told_of() {
    let world = World::mute(Options::default());
    let here = world.connected().await;
    let there = world.elsewhere();
    there.token().await.unwrap();
    let mut events = world.accounts.events();
    // The pending login is written, its result is not.
    world.store.fail_after(1, 1, Fault::Refuse);
    login(&world.emulator, &here).await.unwrap();
    assert_eq!(drain(&mut events), [EventKind::StoreBehind]);
    login(&world.emulator, &there).await.unwrap();
    world.pass(Duration::from_secs(1)).await;
    settle().await;
    let told = drain(&mut events);
    assert!(told.contains(&EventKind::Superseded), "{told:?}");
    assert!(!told.contains(&EventKind::Connected), "{told:?}");
    assert_eq!(world.call(&here).await, 200, "by the newer login");
}
