//! A forgotten account leaves nothing behind, in the store and in the memory of all processes.

use std::sync::Arc;

use tokenkeeper_emulator::Endpoint;
use tokenkeeper_engine::{
    Account, Accounts, Advice, Error, EventKind, FlowKey, Options, Status, TokenSource,
    store::{Encrypted, Filter, Keyring, TokenStore as _},
};
use tokenkeeper_store_memory::MemoryStore;

use crate::harness::{
    InProcessTransport, MINUTE, StoreFault, World, amiqus, assert_err, call_api_with, credential,
    drain_events, is_revocation_pending, login, seconds, settle, spawn_refresh,
};

const DAY: std::time::Duration = seconds(86_400);

/// Checks that the store has no record of the account, and that none comes back.
async fn assert_gone(world: &World, accounts: &[&Account]) {
    for _ in 0..4 {
        assert_eq!(world.store.entry(&world.account().key()).await, None);
        for account in accounts {
            assert_eq!(account.status().await.unwrap(), Status::NotConnected);
            assert_err!(account.token().await, Error::NotConnected { .. });
        }
        world.advance(5 * MINUTE).await;
        settle().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_disconnected_account_is_purged_at_once() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    account.disconnect().await.unwrap();
    let mut events = world.accounts.events();
    account.forget().await.unwrap();
    assert_eq!(drain_events(&mut events), [EventKind::Forgotten]);
    assert_gone(&world, &[&account]).await;
    assert_eq!(drain_events(&mut events), []);
}

#[tokio::test(start_paused = true)]
async fn a_mark_without_the_subject_stays_for_days() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    let token = account.token().await.unwrap().expose().to_owned();
    account.forget().await.unwrap();
    let page = world.store.list(Filter::All, None, 10).await.unwrap();
    let [mark] = &page.keys[..] else {
        panic!("{page:?}");
    };
    assert!(!mark.subject().contains("user-42"));
    let entry = world.store.entry(mark).await.unwrap();
    let value = String::from_utf8(entry.value.to_vec()).unwrap();
    assert!(
        !value.contains(&token) && !value.contains("user-42"),
        "{value}"
    );
    assert!(!entry.attention && entry.due.is_none());
    let left = entry
        .keep_until
        .unwrap()
        .duration_since(world.emulator.now());
    assert!((3 * DAY..4 * DAY).contains(&left.unwrap()));
}

// Its tokens would be served for the forgotten account.
#[tokio::test(start_paused = true)]
async fn no_account_can_pass_for_a_mark_or_a_claim() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    account.forget().await.unwrap();
    let page = world.store.list(Filter::All, None, 10).await.unwrap();
    let mark = page.keys[0].subject();
    for subject in [mark, &mark.replace("forgotten", "claimed")] {
        for handle in [&world.accounts, &world.another_process()] {
            let taken = handle.account("amiqus", subject);
            let error = assert_err!(taken, Error::ReservedSubject);
            assert_eq!(error.advice(), Advice::GiveUp);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_live_account_is_forgotten_without_a_revocation() {
    let world = World::ioffice();
    let account = world.connect_account().await;
    let sent = credential(&account).await;
    let mut events = world.accounts.events();
    account.forget().await.unwrap();
    assert!(account.try_credential(true).is_none());
    assert_eq!(drain_events(&mut events), [EventKind::Forgotten]);
    assert_gone(&world, &[&account]).await;
    assert!(world.revocation_requests().is_empty());
    assert_eq!(call_api_with(&world.emulator, &sent).await, 200);
}

#[tokio::test(start_paused = true)]
async fn pending_revocations_are_forgotten_too() {
    let world = World::ioffice();
    let account = world.connect_account().await;
    let faults = world.emulator.faults();
    let broken = tokenkeeper_emulator::Fault::ServerError;
    faults.always(Endpoint::Revoke, broken);
    account.disconnect().await.unwrap();
    assert!(is_revocation_pending(&account).await);
    account.forget().await.unwrap();
    let asked = world.revocation_requests().len();
    assert_gone(&world, &[&account]).await;
    assert_eq!(world.revocation_requests().len(), asked);
}

#[tokio::test(start_paused = true)]
async fn another_process_that_knows_the_account_forgets_it() {
    for world in [
        World::amiqus(),
        World::without_notifications(Options::default()),
    ] {
        for disconnects in [false, true] {
            let (here, there) = world.connect_in_two_processes().await;
            let mut events = Accounts::from(&there).events();
            if disconnects {
                here.disconnect().await.unwrap();
                assert_eq!(there.status().await.unwrap(), here.status().await.unwrap());
                drain_events(&mut events);
            }
            here.forget().await.unwrap();
            for _ in 0..121 {
                world.advance(seconds(1)).await;
                let _ = there.try_credential(true);
                settle().await;
            }
            assert_eq!(drain_events(&mut events), [EventKind::Forgotten]);
            assert_gone(&world, &[&here, &there]).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_process_does_not_bring_the_account_back() {
    for world in [
        World::amiqus(),
        World::without_notifications(Options::default()),
    ] {
        let (here, there) = world.connect_in_two_processes().await;
        here.forget().await.unwrap();
        tokio::time::sleep(50 * MINUTE).await;
        assert_err!(there.refresh().await, Error::NotConnected { .. });
        assert_gone(&world, &[&here, &there]).await;
        assert_eq!(world.token_requests(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refresh_in_flight_does_not_bring_the_account_back() {
    for world in [
        World::ioffice(),
        World::ioffice_without_notifications(),
        World::plain(),
    ] {
        for elsewhere in [false, true] {
            let (here, there) = world.connect_in_two_processes().await;
            let gate = world.emulator.faults().hold_answers(Endpoint::Token);
            let refresh = spawn_refresh(if elsewhere { &there } else { &here });
            gate.arrived(1).await;
            here.forget().await.unwrap();
            gate.release();
            assert_err!(refresh.await.unwrap(), Error::NotConnected { .. });
            assert!(world.revocation_requests().is_empty());
            assert_gone(&world, &[&here, &there]).await;
            world.emulator.reset_counters();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_login_connects_a_forgotten_account() {
    let world = World::amiqus();
    let (here, there) = world.connect_in_two_processes().await;
    here.forget().await.unwrap();
    login(&world.emulator, &there).await.unwrap();
    for account in [&here, &there, &world.account_elsewhere()] {
        assert_eq!(world.call_api(account).await, 200);
        account.refresh().await.unwrap();
    }
    // The mark that is still there changes nothing.
    world.store.remove(&here.key()).await;
    here.status().await.unwrap();
    assert_eq!(world.call_api(&world.account_elsewhere()).await, 200);
}

#[tokio::test(start_paused = true)]
async fn the_code_of_a_forgotten_login_is_not_sent_again() {
    let world = World::amiqus();
    let (flow, redirect) = world.approved_login().await;
    let done = world.accounts.finish(flow.clone(), redirect.clone()).await;
    done.unwrap().account.forget().await.unwrap();
    world.emulator.reset_counters();
    for accounts in [&world.accounts, &world.another_process()] {
        let again = accounts.finish(flow.clone(), redirect.clone()).await;
        assert_err!(again, Error::Superseded { .. } | Error::Flow(_));
    }
    assert_eq!(world.token_requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn there_may_be_nothing_to_forget() {
    let world = World::amiqus();
    let account = world.account();
    let mut events = world.accounts.events();
    account.forget().await.unwrap();
    assert_eq!(drain_events(&mut events), []);
    let page = world.store.list(Filter::All, None, 10).await.unwrap();
    assert!(page.keys.is_empty());
    let _ = world.connect_account().await;
    account.forget().await.unwrap();
    account.forget().await.unwrap();
    assert_gone(&world, &[&account]).await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_at_any_call_forgets_at_the_next_try() {
    for fault in [
        StoreFault::Refuse,
        StoreFault::LoseReply,
        StoreFault::LoseRequest,
    ] {
        for (after, count) in [(0, 1), (1, 1), (2, 1), (0, 8), (1, 8), (2, 8)] {
            let world = World::amiqus();
            let (here, there) = world.connect_in_two_processes().await;
            world.store.fail_after(after, count, fault);
            let first = here.forget().await;
            if let Err(error) = &first {
                assert!(matches!(error, Error::Store { .. }), "{error:?}");
                world.store.recover();
                here.forget().await.unwrap();
            }
            world.store.recover();
            assert_gone(&world, &[&here, &there]).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_store_forgets_in_the_place_of_the_record() {
    let world = World::amiqus();
    let store = Arc::new(MemoryStore::new().max_keys(1));
    let accounts = Accounts::builder(store.clone())
        .provider(amiqus())
        .transport(InProcessTransport::new(world.emulator.clone()))
        .clock(world.clock.clone())
        .build()
        .unwrap();
    let account = world.account_of(&accounts);
    login(&world.emulator, &account).await.unwrap();
    let token = account.token().await.unwrap().expose().to_owned();
    account.forget().await.unwrap();
    assert_eq!(account.status().await.unwrap(), Status::NotConnected);
    let left = store.get(&account.key()).await.unwrap().unwrap();
    let value = String::from_utf8(left.value.to_vec()).unwrap();
    assert!(!value.contains(&token) && left.keep_until.is_some());
    login(&world.emulator, &account).await.unwrap();
    assert_eq!(world.call_api(&account).await, 200);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_read_is_forgotten() {
    let world = World::without_notifications(Options::default());
    let (here, there) = world.connect_in_two_processes().await;
    world.store.make_unreadable(&here.key()).await;
    // One process still knows the account, and one never did.
    for account in [&there, &world.account_elsewhere()] {
        assert_err!(account.status().await, Error::Record { .. });
        account.forget().await.unwrap();
        assert_gone(&world, &[account, &here]).await;
        login(&world.emulator, account).await.unwrap();
        assert_eq!(world.call_api(account).await, 200);
        world.store.make_unreadable(&here.key()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_whose_key_is_lost_is_forgotten() {
    let world = World::without_notifications(Options::default());
    let process = |id: &str, key: u8| {
        let keyring = Keyring::new(id, [key; 32]).unwrap();
        Accounts::builder(Encrypted::new(world.store.clone(), keyring))
            .provider(amiqus())
            .transport(InProcessTransport::new(world.emulator.clone()))
            .clock(world.clock.clone())
            .flow_key(FlowKey::new([7; 32]))
            .build()
            .unwrap()
    };
    let before = world.account_of(&process("old", 1));
    let after = world.account_of(&process("new", 2));
    login(&world.emulator, &before).await.unwrap();
    assert_err!(after.status().await, Error::Store { .. });
    after.forget().await.unwrap();
    assert_eq!(world.store.entry(&after.key()).await, None);
    assert_eq!(after.status().await.unwrap(), Status::NotConnected);
    login(&world.emulator, &after).await.unwrap();
    assert_eq!(world.call_api(&after).await, 200);
}
