//! Changing the keys that seal flows.

use tokenkeeper_engine::{Accounts, Error, FlowError, FlowKey, store::Keyring};

use crate::harness::{World, approve};

const OLD: [u8; 32] = [1; 32];
const NEW: [u8; 32] = [2; 32];

fn engine(world: &World, key: impl Into<FlowKey>) -> Accounts {
    world.builder().flow_key(key).build().unwrap()
}

/// Starts a login in a process with one key and finishes it in one with another.
async fn finished(started: impl Into<FlowKey>, finishing: impl Into<FlowKey>) -> Result<(), Error> {
    let world = World::amiqus();
    let account = world.account_of(&engine(&world, started));
    let login = account.connect()?;
    let redirect = approve(&world.emulator, login.url.as_str()).await;
    let there = engine(&world, finishing);
    there.finish(login.flow, redirect).await.map(drop)
}

#[tokio::test(start_paused = true)]
async fn a_flow_of_an_old_key_is_finished() {
    let both = FlowKey::new(NEW).with_old(OLD);
    finished(FlowKey::new(OLD), both.clone()).await.unwrap();
    // While keys change, processes that still have the old one get flows of the new one.
    finished(both, FlowKey::new(OLD).with_old(NEW))
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_flow_of_a_dropped_key_is_refused() {
    let refused = finished(FlowKey::new(OLD), FlowKey::new(NEW)).await;
    assert!(matches!(refused, Err(Error::Flow(FlowError::NotOurs))));
}

#[tokio::test(start_paused = true)]
async fn a_keyring_gives_the_keys_in_its_order() {
    let keyring = || {
        let keyring = Keyring::new("new", NEW).unwrap();
        keyring.with_old("old", OLD).unwrap()
    };
    finished(FlowKey::new(OLD), keyring()).await.unwrap();
    finished(keyring(), FlowKey::new(NEW)).await.unwrap();
}
