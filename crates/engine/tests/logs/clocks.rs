//! What the log says about clocks that are apart.

use tokenkeeper_engine::{Account, Clock as _, TestClock};
use tokenkeeper_test_support::{
    DatedTransport, HOUR, MINUTE, World,
    log::{self, assert_one_such_line, take_lines_with},
    login, seconds,
};

/// Returns an account in a process whose clock is this much ahead of the provider's, or behind it.
fn account_off(world: &World, ahead: i64) -> Account {
    let off = seconds(ahead.unsigned_abs());
    let wall = world.clock.wall();
    let clock = TestClock::starting_at(if ahead < 0 { wall - off } else { wall + off });
    let dated = DatedTransport::new(world.emulator.clone());
    let process = world.builder().clock(clock).transport(dated);
    world.account_of(&process.build().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_off_is_logged_once() {
    for (ahead, server, offset) in [(300, "behind", "300"), (-300, "ahead", "300")] {
        log::start();
        let world = World::amiqus();
        let account = account_off(&world, ahead);
        login(&world.emulator, &account).await.unwrap();
        for _ in 0..3 {
            account.refresh().await.unwrap();
            tokio::time::sleep(HOUR).await;
        }
        let server = format!("server=\"{server}\"");
        let parts = ["clock", "amiqus", &server, &format!("offset={offset}")];
        assert_one_such_line("WARN", &parts[..]);
    }
}

#[tokio::test(start_paused = true)]
async fn clocks_that_agree_within_a_minute_are_not_logged() {
    log::start();
    let world = World::amiqus();
    for ahead in [0, 55, -55] {
        let account = account_off(&world, ahead);
        login(&world.emulator, &account).await.unwrap();
        account.refresh().await.unwrap();
    }
    assert!(take_lines_with("clock").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_right_is_logged() {
    log::start();
    let world = World::amiqus();
    let clock = TestClock::starting_at(world.clock.wall() + HOUR);
    let dated = DatedTransport::new(world.emulator.clone());
    let process = world.builder().clock(clock.clone()).transport(dated);
    let account = world.account_of(&process.build().unwrap());
    login(&world.emulator, &account).await.unwrap();
    assert_eq!(take_lines_with("clock").len(), 1);
    tokio::time::sleep(MINUTE).await;
    clock.jump_back(HOUR);
    account.refresh().await.unwrap();
    assert_one_such_line("INFO", &["agree again", "answers=1"]);
}
