//! A flow is good once for all processes: who comes second gets the first one's result.

use tokenkeeper_emulator::{Endpoint, Fault};
use tokenkeeper_engine::{
    Account, Accounts, Error, Flow, FlowError, Options,
    protocol::{Redirect, RedirectError},
};
use tokio::task::JoinHandle;

use crate::harness::{
    StoreFault, World, approve, assert_err, login, redirect_of, seconds, settle, visit,
};

type Finished = JoinHandle<Result<Account, Error>>;

fn spawn_finish(accounts: &Accounts, (flow, redirect): &(Flow, Redirect)) -> Finished {
    let (accounts, flow, redirect) = (accounts.clone(), flow.clone(), redirect.clone());
    tokio::spawn(async move { Ok(accounts.finish(flow, redirect).await?.account) })
}

fn assert_used(result: &Result<Account, Error>) {
    assert!(
        matches!(result, Err(Error::Flow(FlowError::Used))),
        "{result:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn two_callbacks_at_once_exchange_one_code() {
    for elsewhere in [false, true] {
        let world = World::amiqus();
        let callback = world.approved_login().await;
        let gate = world.emulator.faults().hold(Endpoint::Token);
        let first = spawn_finish(&world.accounts, &callback);
        gate.arrived(1).await;
        let other = world.another_process();
        let there = if elsewhere { &other } else { &world.accounts };
        let second = spawn_finish(there, &callback);
        settle().await;
        assert!(!second.is_finished());
        gate.release();
        let account = second.await.unwrap().unwrap();
        assert_eq!(first.await.unwrap().unwrap().subject(), account.subject());
        assert_eq!(world.call_api(&account).await, 200);
        assert_eq!(world.emulator.counters().exchanges(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_callback_after_success_exchanges_nothing() {
    let world = World::amiqus();
    let callback = world.approved_login().await;
    let first = spawn_finish(&world.accounts, &callback).await.unwrap();
    first.unwrap().refresh().await.unwrap();
    for accounts in [&world.accounts, &world.another_process()] {
        let account = spawn_finish(accounts, &callback).await.unwrap().unwrap();
        assert_eq!(world.call_api(&account).await, 200);
    }
    assert_eq!(world.emulator.counters().exchanges(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refused_code_is_sent_by_no_process_again() {
    let world = World::amiqus();
    let callback = world.approved_login().await;
    let fault = Fault::CutAfterBody;
    world.emulator.faults().once(Endpoint::Token, fault);
    let first = spawn_finish(&world.accounts, &callback).await.unwrap();
    assert_err!(first, Error::Exchange { .. });
    for accounts in [&world.accounts, &world.another_process()] {
        assert_used(&spawn_finish(accounts, &callback).await.unwrap());
    }
    assert_eq!(world.token_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_flow_stays_used_after_a_newer_login() {
    let world = World::amiqus();
    let callback = world.approved_login().await;
    let first = spawn_finish(&world.accounts, &callback).await.unwrap();
    let account = first.unwrap();
    login(&world.emulator, &account).await.unwrap();
    for accounts in [&world.accounts, &world.another_process()] {
        assert_used(&spawn_finish(accounts, &callback).await.unwrap());
    }
    assert_eq!(world.call_api(&account).await, 200);
    assert_eq!(world.emulator.counters().exchanges(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_callback_after_a_disconnect_does_not_connect() {
    let world = World::amiqus();
    let callback = world.approved_login().await;
    let first = spawn_finish(&world.accounts, &callback).await.unwrap();
    first.unwrap().disconnect().await.unwrap();
    for accounts in [&world.accounts, &world.another_process()] {
        let again = spawn_finish(accounts, &callback).await.unwrap();
        assert_err!(again, Error::Superseded { .. });
    }
    assert_eq!(world.emulator.counters().exchanges(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_code_that_reached_no_server_can_be_sent_again() {
    let world = World::amiqus();
    let callback = world.approved_login().await;
    let fault = Fault::status(429);
    world.emulator.faults().once(Endpoint::Token, fault);
    let first = spawn_finish(&world.accounts, &callback).await.unwrap();
    assert_err!(first, Error::Exchange { .. });
    let account = spawn_finish(&world.another_process(), &callback).await;
    assert_eq!(world.call_api(&account.unwrap().unwrap()).await, 200);
}

#[tokio::test(start_paused = true)]
async fn an_exchange_longer_than_its_lease_is_not_repeated() {
    let options = Options::new()
        .exchange_timeout(seconds(150))
        .acquire_timeout(seconds(150));
    let world = World::amiqus_with(options.clone());
    let callback = world.approved_login().await;
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let first = spawn_finish(&world.accounts, &callback);
    gate.arrived(1).await;
    let other = world.builder().options(options).build().unwrap();
    let second = spawn_finish(&other, &callback);
    for _ in 0..100 {
        world.advance(seconds(1)).await;
        settle().await;
    }
    assert!(!second.is_finished());
    assert_eq!(gate.arrivals(), 1);
    gate.release();
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    assert_eq!(world.emulator.counters().exchanges(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_code_is_sent_once_though_another_login_began() {
    let world = World::amiqus();
    let callback = world.approved_login().await;
    let newer = world.approved_login().await;
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let first = spawn_finish(&world.accounts, &callback);
    gate.arrived(1).await;
    let second = spawn_finish(&world.another_process(), &newer);
    gate.arrived(2).await;
    let again = spawn_finish(&world.another_process(), &callback);
    settle().await;
    assert_eq!(gate.arrivals(), 2);
    gate.release();
    assert_used(&again.await.unwrap());
    second.await.unwrap().unwrap();
    drop(first);
}

#[tokio::test(start_paused = true)]
async fn a_refused_code_is_not_sent_again_after_an_outage() {
    let world = World::amiqus();
    let callback = world.approved_login().await;
    let fault = Fault::CutAfterBody;
    world.emulator.faults().once(Endpoint::Token, fault);
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let first = spawn_finish(&world.accounts, &callback);
    gate.arrived(1).await;
    world.store.fail(3, StoreFault::Refuse);
    gate.release();
    assert_err!(first.await.unwrap(), Error::Exchange { .. });
    for _ in 0..10 {
        world.advance(seconds(1)).await;
        settle().await;
    }
    let again = spawn_finish(&world.another_process(), &callback).await;
    assert_used(&again.unwrap());
    assert_eq!(world.token_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_callback_that_comes_again_needs_no_written_tokens() {
    let world = World::amiqus();
    let callback = world.approved_login().await;
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let first = spawn_finish(&world.accounts, &callback);
    gate.arrived(1).await;
    world.store.fail(100, StoreFault::Refuse);
    gate.release();
    first.await.unwrap().unwrap();
    let again = spawn_finish(&world.accounts, &callback);
    settle().await;
    assert!(again.is_finished());
    again.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_flow_outlives_a_denial() {
    let world = World::amiqus();
    let start = world.account().connect().unwrap();
    let location = visit(&world.emulator, &format!("{}&deny=1", start.url)).await;
    let denied = || {
        world
            .accounts
            .finish(start.flow.clone(), redirect_of(&location))
    };
    for result in [denied().await, denied().await] {
        let Err(Error::Redirect(reason)) = result else {
            panic!("{result:?}");
        };
        assert!(matches!(*reason, RedirectError::Denied { .. }));
    }
    assert_eq!(world.token_requests(), 0);
    let redirect = approve(&world.emulator, start.url.as_str()).await;
    world.accounts.finish(start.flow, redirect).await.unwrap();
}
