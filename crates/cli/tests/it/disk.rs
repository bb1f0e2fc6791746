//! A disk that takes no more.

use std::process::{Command, Output, Stdio};

use tokenkeeper::{sqlite::SqliteStore, store::Keyring};

use crate::{store::OLD, text, world::World};

/// Runs a command that may write to no file: each write fails as on a full disk.
fn run_on_full_disk(world: &World, arguments: &[&str]) -> Output {
    let command = world.command(arguments);
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -f 0; trap '' XFSZ; exec \"$@\"", "sh"]);
    shell.arg(command.get_program()).args(command.get_args());
    shell.env("TOKENKEEPER_CONFIG", world.path("config.toml"));
    shell.stdin(Stdio::null()).output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_refresh_token_is_spent_while_the_disk_is_full() {
    let world = World::connected().await;
    // Open elsewhere, so that it is the write that fails.
    let keyring: Keyring = OLD.parse().unwrap();
    let open = SqliteStore::open(world.path("accounts.db"), keyring).await;
    let open = open.unwrap();
    world.emulator.expire_access_tokens();
    for arguments in [&["refresh", "plain"][..], &["request", "GET", &world.api()]] {
        let output = run_on_full_disk(&world, arguments);
        let error = text(&output.stderr);
        assert!(!output.status.success(), "{error}");
        assert!(error.starts_with("error: "), "{error}");
    }
    assert_eq!(world.emulator.counters().refreshes(), 0);
    drop(open);
    // There is room again.
    let output = world.run(&["request", "GET", &world.api()]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(world.emulator.counters().refreshes(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_to_a_full_disk_moves_nothing() {
    let world = World::connected().await;
    let file = world.path("accounts.sealed");
    let shown = file.to_str().unwrap();
    let mut export = Command::new("sh");
    export.args(["-c", "ulimit -f 0; trap '' XFSZ; exec \"$@\"", "sh"]);
    let command = world.command(&["export", "plain", "--keep", "-o", shown]);
    export.arg(command.get_program()).args(command.get_args());
    export.env("TOKENKEEPER_CONFIG", world.path("config.toml"));
    export
        .env("TOKENKEEPER_PASSPHRASE", "p")
        .stdin(Stdio::null());
    let output = export.output().unwrap();
    let error = text(&output.stderr);
    assert!(!output.status.success(), "{error}");
    assert!(!file.exists());
    assert_eq!(world.status(), 0);
}
