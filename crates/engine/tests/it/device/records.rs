//! A login by device code next to other processes, logins and disconnects.

use tokenkeeper_emulator::Endpoint;
use tokenkeeper_engine::Status;

use super::*;
use crate::harness::{connection, login, settle};

#[tokio::test(start_paused = true)]
async fn a_connected_account_works_until_the_new_tokens_are_written() {
    let world = world();
    let account = world.connect_account().await;
    let before = account.token().await.unwrap();
    let device = start(&world).await;
    let finished = spawn_finish(&device);
    pass(INTERVAL * 2).await;
    assert_eq!(account.token().await.unwrap().expose(), before.expose());
    // A refresh is not held up either.
    let refreshed = account.refresh().await.unwrap();
    pass(INTERVAL * 2).await;
    assert_eq!(account.token().await.unwrap().expose(), refreshed.expose());
    assert_eq!(world.call_api(&world.account_elsewhere()).await, 200);
    approve(&world, &device);
    finished.await.unwrap().unwrap();
    assert_ne!(account.token().await.unwrap().expose(), refreshed.expose());
}

#[tokio::test(start_paused = true)]
async fn a_denied_device_leaves_the_connection_as_it_was() {
    let world = world();
    let account = world.connect_account().await;
    let before = account.token().await.unwrap();
    let device = start(&world).await;
    let finished = spawn_finish(&device);
    pass(INTERVAL).await;
    world.emulator.deny_device(&device.user_code).unwrap();
    finished.await.unwrap().unwrap_err();
    assert_eq!(account.token().await.unwrap().expose(), before.expose());
    assert!(connection(&account).await.reauthorize.is_none());
}

#[tokio::test(start_paused = true)]
async fn two_processes_share_one_device_code() {
    let world = world();
    let device = start(&world).await;
    let other = world.another_process();
    let (flow, there) = (device.flow.clone(), other.clone());
    let first = spawn_finish(&device);
    let second = tokio::spawn(async move { there.finish_device(flow).await });
    pass(seconds(62)).await;
    // No process polls in between: the server would ask to slow down.
    assert_eq!(world.emulator.counters().polls(), 12);
    assert_eq!(world.emulator.counters().outcomes("slow_down"), 0);
    approve(&world, &device);
    for login in [
        first.await.unwrap().unwrap(),
        second.await.unwrap().unwrap(),
    ] {
        assert_eq!(world.call_api(&login.account).await, 200);
    }
    assert_eq!(world.emulator.counters().outcomes("granted"), 1);
}

#[tokio::test(start_paused = true)]
async fn another_process_takes_a_dead_ones_device_over() {
    let world = world();
    let device = start(&world).await;
    // A killed process leaves its claim: its engine never learns that the caller went away.
    let finished = spawn_finish(&device);
    pass(INTERVAL).await;
    let left = world.store.entry(&device.account.key()).await.unwrap();
    finished.abort();
    settle().await;
    world
        .store
        .overwrite(&device.account.key(), Some(left))
        .await;
    approve(&world, &device);
    let before = elapsed(&world);
    let login = world
        .another_process()
        .finish_device(device.flow.clone())
        .await
        .unwrap();
    assert_eq!(world.call_api(&login.account).await, 200);
    let waited = elapsed(&world) - before;
    assert!((seconds(60)..seconds(70)).contains(&waited), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_newer_login_ends_the_polls() {
    for elsewhere in [false, true] {
        let world = world();
        let device = start(&world).await;
        let finished = spawn_finish(&device);
        pass(INTERVAL).await;
        let account = match elsewhere {
            false => world.account(),
            true => world.account_elsewhere(),
        };
        login(&world.emulator, &account).await.unwrap();
        let token = account.token().await.unwrap();
        let result = finished.await.unwrap();
        assert!(
            matches!(result, Err(Error::Superseded { .. })),
            "{result:?}"
        );
        approve(&world, &device);
        pass(seconds(60)).await;
        assert_eq!(account.token().await.unwrap().expose(), token.expose());
        let again = device.finish().await;
        assert!(matches!(again, Err(Error::Flow(_))), "{again:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_disconnect_ends_the_polls_and_late_tokens_are_revoked() {
    for (elsewhere, in_flight) in [(false, false), (true, false), (false, true), (true, true)] {
        let world = World::new(
            Emulator::plain()
                .record_requests()
                .access_token_lifetime(HOUR),
            plain(|_| ()),
            Options::default(),
        );
        world.connect_account().await;
        let device = start(&world).await;
        let gate = world.emulator.faults().hold_answers(Endpoint::Token);
        if !in_flight {
            gate.release();
        }
        approve_if(&world, &device, in_flight);
        let finished = spawn_finish(&device);
        match in_flight {
            true => gate.arrived(1).await,
            false => pass(INTERVAL).await,
        }
        let account = match elsewhere {
            false => world.account(),
            true => world.account_elsewhere(),
        };
        account.disconnect().await.unwrap();
        gate.release();
        let result = finished.await.unwrap();
        assert!(
            matches!(result, Err(Error::Superseded { .. })),
            "{result:?}"
        );
        approve_if(&world, &device, !in_flight);
        pass(seconds(120)).await;
        for account in [world.account(), world.account_elsewhere()] {
            let status = account.status().await.unwrap();
            assert!(matches!(status, Status::Disconnected { .. }), "{status:?}");
        }
        let revoked = world.revocation_requests().len();
        assert_eq!(revoked, if in_flight { 4 } else { 2 }, "{elsewhere}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_forgotten_account_is_not_brought_back_by_a_device() {
    let world = world();
    let account = world.connect_account().await;
    let device = start(&world).await;
    let finished = spawn_finish(&device);
    pass(INTERVAL).await;
    account.forget().await.unwrap();
    approve(&world, &device);
    let result = finished.await.unwrap();
    assert!(
        matches!(result, Err(Error::Superseded { .. })),
        "{result:?}"
    );
    assert_eq!(account.status().await.unwrap(), Status::NotConnected);
}

fn approve_if(world: &World, device: &DeviceLogin, wanted: bool) {
    if wanted {
        approve(world, device);
    }
}
