//! A disk that takes no more.

use std::process::{Command, Output, Stdio};

use tokenkeeper::{
    sqlite::SqliteStore,
    store::{Encrypted, Keyring},
};

use crate::{store::OLD, text, world::World};

/// What a command says that could not write to the store before it would have sent a token.
const WRITE_FAILED: &str = "nothing was sent for account";

/// Runs a command that may write to no file: each write fails as on a full disk.
fn run_on_full_disk(world: &World, arguments: &[&str]) -> Output {
    let command = world.command(arguments);
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -f 0; trap '' XFSZ; exec \"$@\"", "sh"]);
    shell.arg(command.get_program()).args(command.get_args());
    shell.env("TOKENKEEPER_CONFIG", world.path("config.toml"));
    shell.env("TOKENKEEPER_PASSPHRASE", "p");
    shell.stdin(Stdio::null()).output().unwrap()
}

/// Opens the store, so that in other processes it is a write that fails, and not the opening.
async fn open(world: &World) -> Encrypted<SqliteStore> {
    let keyring: Keyring = OLD.parse().unwrap();
    let opened = SqliteStore::open(world.path("accounts.db"), keyring).await;
    opened.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_refresh_token_is_spent_while_the_disk_is_full() {
    let world = World::connected().await;
    let open = open(&world).await;
    world.emulator.expire_access_tokens();
    for arguments in [&["refresh", "plain"][..], &["request", "GET", &world.api()]] {
        let output = run_on_full_disk(&world, arguments);
        let error = text(&output.stderr);
        assert!(!output.status.success(), "{error}");
        assert!(error.starts_with("error: "), "{error}");
        assert!(error.contains(WRITE_FAILED), "{error}");
        assert!(error.contains("accounts.db: check the disk"), "{error}");
    }
    assert_eq!(world.emulator.counters().refreshes(), 0);
    drop(open);
    // There is room again.
    let output = world.run(&["request", "GET", &world.api()]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(world.emulator.counters().refreshes(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_on_a_full_disk_moves_nothing() {
    let world = World::connected().await;
    let open = open(&world).await;
    let file = world.path("accounts.sealed");
    let shown = file.to_str().unwrap();
    let output = run_on_full_disk(&world, &["export", "plain", "-o", shown]);
    let error = text(&output.stderr);
    assert!(!output.status.success(), "{error}");
    assert!(error.contains(WRITE_FAILED), "{error}");
    drop(open);
    assert!(!file.exists());
    assert_eq!(world.emulator.counters().refreshes(), 0);
    assert_eq!(world.json(&["status", "plain"])["health"], "healthy");
}

/// The store takes the refreshed tokens: it is the file alone that cannot be written.
#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_is_not_written_leaves_the_account() {
    let world = World::connected().await;
    let name_too_long = world.path(&"x".repeat(300));
    // No one may create a file in the other one, root neither.
    let targets = [name_too_long.to_str().unwrap(), "/proc/accounts.sealed"];
    for (refreshes, target) in (1..).zip(targets) {
        let mut export = world.command(&["export", "plain", "-o", target]);
        export.env("TOKENKEEPER_PASSPHRASE", "p");
        let output = export.output().unwrap();
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains("so nothing was moved"), "{error}");
        assert_eq!(world.emulator.counters().refreshes(), refreshes);
        assert_eq!(world.json(&["status", "plain"])["health"], "healthy");
    }
    let call = world.run(&["request", "GET", &world.api()]);
    assert!(call.status.success(), "{}", text(&call.stderr));
}
