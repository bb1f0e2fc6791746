//! Logins that fail, sites that are refused, and what an entry never holds.

use std::sync::Arc;

use tokenkeeper_emulator::Endpoint;
use tokenkeeper_engine::{
    Actor, AuditEntry, AuditKind, AuditReason, FlowKey,
    protocol::{Redirect, Registration, SitePolicy},
};
use tokenkeeper_provider_ioffice::IOffice;

use super::{Sink, adopt, recorded};
use crate::harness::{HOUR, World, approve, redirect_of, visit};

/// Returns the reason and the code of the only login that failed since the last call.
async fn failure(sink: &Sink) -> (AuditReason, Option<String>, AuditEntry) {
    let mut entries = sink.entries().await;
    entries.retain(|entry| entry.kind != AuditKind::LoginStarted);
    assert_eq!(entries.len(), 1, "{entries:#?}");
    sink.take_names().await;
    match &entries[0].kind {
        AuditKind::LoginFailed { reason, code } => {
            let code = code.as_ref().map(ToString::to_string);
            (*reason, code, entries.remove(0))
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_that_fails_has_its_reason() {
    let world = World::amiqus();
    let (accounts, account, sink) = recorded(&world);

    let start = account.connect().unwrap();
    let location = visit(&world.emulator, &format!("{}&deny=1", start.url)).await;
    let denied = redirect_of(&location);
    assert!(accounts.finish(start.flow, denied).await.is_err());
    let (reason, code, entry) = failure(&sink).await;
    assert_eq!(reason, AuditReason::Denied);
    assert_eq!(code.as_deref(), Some("access_denied"));
    assert_eq!(entry.account, Some(account.digest()));

    let start = account.connect().unwrap();
    let forged = Redirect::query("code=code-1&state=forged");
    assert!(accounts.finish(start.flow, forged).await.is_err());
    assert_eq!(failure(&sink).await.0, AuditReason::StateMismatch);

    let start = account.connect().unwrap();
    let state = start.state.expose().to_owned();
    let wrong = Redirect::query(format!("code=code-1&state={state}"));
    assert!(accounts.finish(start.flow, wrong).await.is_err());
    let (reason, code, entry) = failure(&sink).await;
    assert_eq!(reason, AuditReason::GrantRefused);
    assert_eq!(code.as_deref(), Some("invalid_grant"));
    assert!(entry.authorization.is_some());

    let start = account.connect().unwrap();
    let late = approve(&world.emulator, start.url.as_str()).await;
    world.advance(HOUR).await;
    assert!(accounts.finish(start.flow, late).await.is_err());
    let (reason, _, entry) = failure(&sink).await;
    assert_eq!((reason, entry.account), (AuditReason::FlowExpired, None));

    let other = world.builder().flow_key(FlowKey::new([8; 32])).build();
    let start = world.account_of(&other.unwrap()).connect().unwrap();
    let foreign = approve(&world.emulator, start.url.as_str()).await;
    assert!(accounts.finish(start.flow, foreign).await.is_err());
    assert_eq!(failure(&sink).await.0, AuditReason::UnknownFlow);
}

#[tokio::test(start_paused = true)]
async fn a_callback_that_comes_twice_is_one_login() {
    let world = World::amiqus();
    let (accounts, account, sink) = recorded(&world);
    let start = account.connect().unwrap();
    let redirect = approve(&world.emulator, start.url.as_str()).await;
    for _ in 0..3 {
        let (flow, redirect) = (start.flow.clone(), redirect.clone());
        accounts.finish(flow, redirect).await.unwrap();
    }
    assert_eq!(sink.take_names().await, ["login_started", "login_finished"]);
}

#[tokio::test(start_paused = true)]
async fn a_login_that_is_overtaken_has_failed() {
    let world = World::amiqus();
    let (accounts, account, sink) = recorded(&world);
    let start = account.connect().unwrap();
    let redirect = approve(&world.emulator, start.url.as_str()).await;
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let clerk = Actor::new("clerk-7");
    let finish = async move { clerk.scope(accounts.finish(start.flow, redirect)).await };
    let finished = tokio::spawn(finish);
    gate.arrived(1).await;
    adopt(&account, 1).await;
    gate.release();
    assert!(finished.await.unwrap().is_err());
    let entries = sink.entries().await;
    let names: Vec<_> = entries.iter().map(|entry| entry.kind.name()).collect();
    assert_eq!(names, ["login_started", "adopted", "login_failed"]);
    assert_eq!(entries[2].kind.reason(), Some(AuditReason::Superseded));
    assert_eq!(entries[2].actor.as_ref().unwrap().as_str(), "clerk-7");
    assert!(entries[1].actor.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_refused_site_has_an_entry_with_its_digest() {
    let world = World::ioffice();
    let registration = Registration::new("client-1", "https://app.example/callback");
    let provider = IOffice::new(registration).unwrap();
    let provider = provider.sites(SitePolicy::subdomains_of("example.com"));
    let sink = Arc::new(Sink::default());
    let accounts = world.builder_for(provider).audit(sink.clone());
    let accounts = accounts.build().unwrap();
    let brand = "ioffice";
    let refused = "https://alice-private.example.net";
    assert!(accounts.account_at(brand, refused, "user-42").is_err());
    assert!(
        accounts
            .account_at(brand, "https://a.example.com", "user-42")
            .is_ok()
    );
    let entries = sink.entries().await;
    assert_eq!(entries.len(), 1, "{entries:#?}");
    let AuditKind::SiteRefused { site } = &entries[0].kind else {
        panic!("{entries:#?}");
    };
    assert_eq!(site.len(), 16);
    assert_eq!(entries[0].provider.as_deref(), Some(brand));
    let json = entries[0].to_json();
    assert!(!json.contains("alice"), "{json}");
    assert!(json.contains(&format!(r#""site":"{site}""#)), "{json}");
}

#[tokio::test(start_paused = true)]
async fn no_entry_holds_a_secret_or_a_subject() {
    let world = World::plain();
    let (accounts, account, sink) = recorded(&world);
    let start = account.connect().unwrap();
    let mut secrets = vec![
        account.subject().to_owned(),
        start.state.expose().to_owned(),
        start.flow.as_str().to_owned(),
    ];
    let location = visit(&world.emulator, &format!("{}&approve=1", start.url)).await;
    let code = location.split("code=").nth(1).unwrap();
    secrets.push(code.split('&').next().unwrap().to_owned());
    let redirect = redirect_of(&location);
    accounts.finish(start.flow, redirect).await.unwrap();
    secrets.push(account.token().await.unwrap().expose().to_owned());
    secrets.push(account.refresh().await.unwrap().expose().to_owned());
    let stored = world.store.record(&account.key()).await;
    let refresh = stored.to_string();
    let refresh = refresh.split("\"refresh_token\":\"").nth(1).unwrap();
    secrets.push(refresh.split('"').next().unwrap().to_owned());
    // The provider may write anything where a code belongs.
    let start = account.connect().unwrap();
    let state = start.state.expose();
    let said = "error=rt-secret-17&error_description=Alice+Smith";
    let denied = Redirect::query(format!("{said}&state={state}"));
    assert!(accounts.finish(start.flow, denied).await.is_err());
    secrets.extend(["rt-secret-17", "Alice", "Smith"].map(str::to_owned));
    account.disconnect().await.unwrap();

    let entries = sink.entries().await;
    assert!(entries.len() >= 6, "{entries:#?}");
    for entry in entries {
        let texts = [entry.to_json(), format!("{entry:?}")];
        for (text, secret) in texts
            .iter()
            .flat_map(|text| secrets.iter().map(move |s| (text, s)))
        {
            assert!(!text.contains(secret.as_str()), "{secret} in {text}");
        }
    }
}
