//! Many processes that use one account at once.

use std::{
    hash::{BuildHasher as _, RandomState},
    process::Child,
};

use tokenkeeper_emulator::{Endpoint, Fault};

use crate::{text, world::World};

const PROCESSES: usize = 20;

/// Starts processes that want a token: half of them print it, half of them send a request.
fn start(world: &World) -> Vec<Child> {
    let api = world.api();
    let commands = [&["token", "plain"][..], &["request", "GET", &api]];
    let commands = commands.iter().cycle().take(PROCESSES);
    commands
        .map(|arguments| world.command(arguments).spawn().unwrap())
        .collect()
}

/// Checks that no refresh token was spent twice.
#[track_caller]
fn assert_spent_once(world: &World) {
    let counters = world.emulator.counters();
    assert_eq!(counters.max_concurrent_presentations, 1, "{counters:?}");
    assert_eq!(counters.presented_after_answer(), 0, "{counters:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_processes_share_one_refresh() {
    let world = World::connected().await;
    world.emulator.expire_access_tokens();
    for process in start(&world) {
        let output = process.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    assert_eq!(world.emulator.counters().refreshes(), 1);
    assert_spent_once(&world);
}

/// The request of the process that refreshes is held, and then cut without being processed. Until
/// then processes are killed, perhaps that one too: another process takes over after its lease.
#[tokio::test(flavor = "multi_thread")]
async fn processes_that_are_killed_lose_no_account() {
    let world = World::connected().await;
    world.emulator.expire_access_tokens();
    world
        .emulator
        .faults()
        .once(Endpoint::Token, Fault::CutAfterBody);
    let gate = world.emulator.faults().hold(Endpoint::Token);
    let processes = start(&world);
    gate.arrived(1).await;
    let random = RandomState::new();
    let (killed, left): (Vec<_>, Vec<_>) = processes
        .into_iter()
        .partition(|process| random.hash_one(process.id()) % 2 == 0);
    for mut process in killed {
        process.kill().unwrap();
        process.wait().unwrap();
    }
    gate.release();
    for process in left {
        let output = process.wait_with_output().unwrap();
        // A machine under load may not get through the lease within a command's wait.
        let code = output.status.code();
        assert!(matches!(code, Some(0 | 4)), "{}", text(&output.stderr));
    }
    let works = || {
        world
            .run(&["request", "GET", &world.api()])
            .status
            .success()
    };
    assert!((0..10).any(|_| works()), "the account is lost");
    assert_spent_once(&world);
}
