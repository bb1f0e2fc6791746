//! Each thing that is done to an account has an entry, and nothing has two.

use tokenkeeper_emulator::{DEFAULT_USER, Endpoint, Fault};
use tokenkeeper_engine::{Actor, AuditKind, AuditReason, Error};

use super::{adopt, recorded};
use crate::harness::{HOUR, MINUTE, StoreFault, World, login, seconds, settle};

fn actor(entry: &tokenkeeper_engine::AuditEntry) -> Option<&str> {
    entry.actor.as_ref().map(Actor::as_str)
}

#[tokio::test(start_paused = true)]
async fn each_step_of_an_account_has_one_entry() {
    let world = World::plain();
    let (_accounts, account, sink) = recorded(&world);
    let clerk = Actor::new("clerk-7");
    let steps = async {
        login(&world.emulator, &account).await.unwrap();
        account.refresh().await.unwrap();
        account.disconnect().await.unwrap();
        settle().await;
        account.forget().await.unwrap();
    };
    clerk.scope(steps).await;
    let entries = sink.entries().await;
    let names: Vec<_> = entries.iter().map(|entry| entry.kind.name()).collect();
    let wanted = [
        "login_started",
        "login_finished",
        "refreshed",
        "disconnected",
        "revoked",
        "forgotten",
    ];
    assert_eq!(names, wanted);
    let number = entries[1].authorization;
    assert!(number.is_some());
    for (at, entry) in entries.iter().enumerate() {
        assert_eq!(entry.sequence, at as u64 + 1);
        assert_eq!(entry.process, entries[0].process);
        assert_eq!(entry.provider.as_deref(), Some(account.provider()));
        assert_eq!(entry.account, Some(account.digest()));
        let name = entry.kind.name();
        let has_number = name != "login_started";
        assert_eq!(entry.authorization, number.filter(|_| has_number), "{name}");
        // The engine revokes on its own account.
        let asked = (name != "revoked").then_some("clerk-7");
        assert_eq!(actor(entry), asked, "{name}");
    }
    assert_eq!(entries[2].kind, AuditKind::Refreshed { generation: 2 });
}

#[tokio::test(start_paused = true)]
async fn what_found_its_work_done_has_no_entry() {
    let world = World::amiqus();
    let (_accounts, account, sink) = recorded(&world);
    adopt(&account, 1).await;
    account.disconnect().await.unwrap();
    assert_eq!(sink.take_names().await, ["adopted", "disconnected"]);
    account.disconnect().await.unwrap();
    account.forget().await.unwrap();
    account.forget().await.unwrap();
    assert_eq!(sink.take_names().await, ["forgotten"]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_refresh_token_has_its_reason() {
    let world = World::amiqus();
    let (_accounts, account, sink) = recorded(&world);
    login(&world.emulator, &account).await.unwrap();
    sink.take_names().await;
    world.emulator.revoke_user(DEFAULT_USER);
    for _ in 0..3 {
        assert!(account.refresh().await.is_err());
    }
    let entries = sink.entries().await;
    assert_eq!(entries.len(), 1, "{entries:#?}");
    let json = entries[0].to_json();
    let end = r#""reason":"grant_refused","code":"invalid_grant"}"#;
    assert!(
        json.contains(r#""event":"reauthorization_required""#) && json.ends_with(end),
        "{json}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_refusal_for_now_has_no_entry() {
    let world = World::amiqus();
    let (_accounts, account, sink) = recorded(&world);
    login(&world.emulator, &account).await.unwrap();
    sink.take_names().await;
    let faults = world.emulator.faults();
    faults.always(Endpoint::Token, Fault::ServerError);
    for _ in 0..3 {
        assert!(account.refresh().await.is_err());
        tokio::time::sleep(MINUTE).await;
    }
    assert!(sink.take_names().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_revocation_that_fails_has_one_entry() {
    let world = World::ioffice();
    let (_accounts, account, sink) = recorded(&world);
    login(&world.emulator, &account).await.unwrap();
    sink.take_names().await;
    let faults = world.emulator.faults();
    faults.always(Endpoint::Revoke, Fault::ServerError);
    account.disconnect().await.unwrap();
    for _ in 0..5 {
        world.advance(HOUR).await;
        settle().await;
    }
    assert_eq!(
        sink.take_names().await,
        ["disconnected", "revocation_failed"]
    );
    faults.clear_all();
    world.advance(HOUR).await;
    assert_eq!(sink.take_names().await, ["revoked"]);
}

#[tokio::test(start_paused = true)]
async fn a_process_records_only_what_it_does_itself() {
    let world = World::amiqus();
    let (_accounts, account, sink) = recorded(&world);
    login(&world.emulator, &account).await.unwrap();
    sink.take_names().await;
    let elsewhere = world.account_elsewhere();
    elsewhere.refresh().await.unwrap();
    elsewhere.disconnect().await.unwrap();
    account.status().await.unwrap();
    assert!(sink.take_names().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_caller_who_starts_a_refresh_is_its_actor() {
    let world = World::amiqus();
    let (_accounts, account, sink) = recorded(&world);
    login(&world.emulator, &account).await.unwrap();
    world.advance(HOUR * 2).await;
    sink.take_names().await;
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let spawn = |name: &str| {
        let (account, actor) = (account.clone(), Actor::new(name));
        tokio::spawn(async move { actor.scope(account.token()).await })
    };
    let first = spawn("first");
    gate.arrived(1).await;
    let second = spawn("second");
    settle().await;
    gate.release();
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    account.refresh().await.unwrap();
    let entries = sink.entries().await;
    let actors: Vec<_> = entries.iter().map(actor).collect();
    assert_eq!(actors, [Some("first"), None]);
}

#[tokio::test(start_paused = true)]
async fn a_refresher_has_no_actor() {
    let world = World::amiqus();
    let (accounts, account, sink) = recorded(&world);
    login(&world.emulator, &account).await.unwrap();
    sink.take_names().await;
    let shutdown = tokio::time::sleep(HOUR);
    accounts.refresher().run(shutdown).await.unwrap();
    let entries = sink.entries().await;
    assert!(!entries.is_empty());
    for entry in entries {
        assert_eq!((entry.kind.name(), actor(&entry)), ("refreshed", None));
    }
}

#[tokio::test(start_paused = true)]
async fn an_entry_comes_after_the_write_that_it_reports() {
    let world = World::amiqus();
    let (_accounts, account, sink) = recorded(&world);
    login(&world.emulator, &account).await.unwrap();
    world.advance(HOUR).await;
    account.status().await.unwrap();
    sink.take_names().await;
    // The attempt is written, and its result is not.
    world.store.fail_after(1, 3, StoreFault::Refuse);
    account.token().await.unwrap();
    assert!(sink.take_names().await.is_empty(), "served from memory");
    for _ in 0..10 {
        world.advance(seconds(1)).await;
        settle().await;
    }
    assert_eq!(sink.take_names().await, ["refreshed"]);
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_record_has_one_entry() {
    let world = World::amiqus();
    let (_accounts, account, sink) = recorded(&world);
    world.connect_account().await;
    world.store.make_unreadable(&account.key()).await;
    for _ in 0..3 {
        assert!(account.status().await.is_err());
        tokio::time::sleep(MINUTE).await;
    }
    let entries = sink.entries().await;
    assert_eq!(entries.len(), 1, "{entries:#?}");
    let reason = AuditReason::NewerFormat;
    assert_eq!(entries[0].kind, AuditKind::RecordNotOpened { reason });
    account.forget().await.unwrap();
    assert_eq!(sink.take_names().await, ["record_not_opened", "forgotten"]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_disconnect_has_its_reason() {
    let world = World::without_notifications(tokenkeeper_engine::Options::default());
    let (_accounts, account, sink) = recorded(&world);
    assert!(matches!(
        account.disconnect().await,
        Err(Error::NotConnected { .. })
    ));
    world.store.fail(usize::MAX, StoreFault::Refuse);
    assert!(account.disconnect().await.is_err());
    let entries = sink.entries().await;
    let reasons: Vec<_> = entries.iter().map(|entry| entry.kind.reason()).collect();
    let wanted = [AuditReason::NotConnected, AuditReason::StoreFailed];
    assert_eq!(reasons, wanted.map(Some));
}
