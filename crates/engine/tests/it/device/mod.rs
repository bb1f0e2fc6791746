//! Logins by device code (RFC 8628).

mod abandoned;
mod answers;
mod flows;
mod polls;
mod records;

use std::time::{Duration, UNIX_EPOCH};

use tokenkeeper_emulator::{DEFAULT_USER, Emulator, PlainOptions};
use tokenkeeper_engine::{Account, Clock as _, DeviceLogin, Error, Login, Options};
use tokio::task::JoinHandle;

use crate::harness::{HOUR, World, plain, seconds};

type Finished = JoinHandle<Result<Login, Error>>;

/// A world whose provider polls at intervals of five seconds, and codes that live for half an hour.
fn world() -> World {
    world_with(PlainOptions::default())
}

fn world_with(options: PlainOptions) -> World {
    let emulator = Emulator::plain()
        .options(options)
        .record_requests()
        .access_token_lifetime(HOUR);
    World::new(emulator, plain(|_| ()), Options::default())
}

/// Starts a login by device code of the world's account.
async fn start(world: &World) -> DeviceLogin {
    let device = world.account().connect_device().await.unwrap();
    world.emulator.reset_counters();
    world.store.reset_counts();
    device
}

fn spawn_finish(device: &DeviceLogin) -> Finished {
    let device = device.clone();
    tokio::spawn(async move { device.finish().await })
}

fn approve(world: &World, device: &DeviceLogin) {
    let approved = world
        .emulator
        .approve_device(&device.user_code, DEFAULT_USER);
    approved.unwrap();
}

/// Lets this time pass, and everything happen that is due in it.
async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Returns how much time has passed in the test.
fn elapsed(world: &World) -> Duration {
    let now = world.clock.wall().duration_since(UNIX_EPOCH);
    now.unwrap() - seconds(1_800_000_000)
}

/// Returns the login in flight that the store shows.
async fn pending(world: &World, account: &Account) -> serde_json::Value {
    match world.store.entry(&account.key()).await {
        Some(_) => world.store.record(&account.key()).await["login"].clone(),
        None => serde_json::Value::Null,
    }
}

/// A moment before the polls at full seconds.
const JUST_BEFORE: Duration = Duration::from_millis(4_900);

const INTERVAL: Duration = seconds(5);
