//! `doctor`, with each thing broken.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    thread,
};

use serde_json::Value;
use tokenkeeper::{
    sqlite::SqliteStore,
    store::{Entry, Keyring, TokenStore as _, Version},
};

use crate::{
    store::{NEW, OLD, key},
    text,
    world::World,
};

/// Starts an emulator with a connected account.
async fn connected() -> World {
    let world = World::start().await;
    world.log_in(&["plain"]);
    world
}

/// Returns the exit status, and the checks that are not ok.
fn examine(world: &World, arguments: &[&str]) -> (i32, Vec<(String, String)>) {
    let output = world.run(&[&["doctor", "--json"], arguments].concat());
    let error = text(&output.stderr);
    let report: Value = serde_json::from_slice(&output.stdout).expect(error);
    let code = output.status.code().unwrap();
    assert_eq!(report["ok"], code == 0, "{report}");
    let checks = report["checks"].as_array().unwrap();
    let problems = checks.iter().filter(|check| check["ok"] == false);
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let problems = problems.map(|check| (word(&check["check"]), word(&check["detail"])));
    (code, problems.collect())
}

/// Asserts that exactly this check fails, with these words.
fn assert_problem(world: &World, check: &str, words: &[&str]) {
    let (code, problems) = examine(world, &[]);
    let [(failed, detail)] = &problems[..] else {
        panic!("{problems:?}");
    };
    assert_eq!((code, failed.as_str()), (1, check), "{detail}");
    for word in words {
        assert!(detail.contains(word), "{detail}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_is_well_after_a_login_and_before_it() {
    let world = World::start().await;
    assert_eq!(examine(&world, &[]), (0, vec![]));
    assert!(!world.path("accounts.db").exists(), "it changes nothing");
    world.log_in(&["plain"]);
    assert_eq!(examine(&world, &["plain"]), (0, vec![]));

    let output = world.run(&["doctor"]);
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{shown}");
    assert!(shown.lines().all(|line| line.starts_with("ok ")), "{shown}");
    for line in [
        "ok       configuration: ",
        "ok       file rights: only you can write ",
        "ok       keys: `old` is the current one; 0 only read",
        "ok       store: sqlite:",
        "ok       records: 1 read, all of them open",
        "ok       plain: client: ",
        "ok       plain: redirect URI: ",
        "ok       plain: authorization endpoint: http://127.0.0.1:",
        "ok       plain: token endpoint: http://127.0.0.1:",
        "ok       plain: clock: within a minute",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    let counters = world.emulator.counters();
    assert_eq!(
        counters.exchanges() + counters.refreshes(),
        1,
        "only the login"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_configuration_is_named_with_its_line() {
    let world = connected().await;
    world.configure("scoop = \"mail\"\n");
    assert_problem(&world, "configuration", &["config.toml, line 9", "scoop"]);
    world.write("config.toml", "");
    let (code, problems) = examine(&world, &["plain"]);
    assert_eq!(code, 1);
    assert!(
        problems.iter().any(|(check, _)| check == "plain: client"),
        "{problems:?}"
    );
    let (_, problems) = examine(&world, &[]);
    assert!(
        problems.iter().any(|(check, _)| check == "providers"),
        "{problems:?}"
    );
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn files_that_others_can_change_or_read_are_named() {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    let set = |world: &World, file: &str, mode: u32| {
        let mode = fs::Permissions::from_mode(mode);
        fs::set_permissions(world.path(file), mode).unwrap();
    };
    let world = connected().await;
    set(&world, "config.toml", 0o644);
    assert_problem(&world, "configuration", &["others can read", "chmod 600"]);
    set(&world, "config.toml", 0o600);

    let text = fs::read_to_string(world.path("config.toml")).unwrap();
    let secret = text
        .lines()
        .find(|line| line.starts_with("client_secret"))
        .unwrap();
    let without = text.replace(secret, "client_secret_file = \"secret\"");
    world.write("config.toml", &without);
    world.write("secret", "secret\n");
    set(&world, "config.toml", 0o622);
    assert_problem(&world, "file rights", &["config.toml", "chmod go-w"]);
    set(&world, "config.toml", 0o644);
    set(&world, "secret", 0o640);
    assert_problem(&world, "plain: client", &["secret", "chmod 600"]);
    set(&world, "secret", 0o600);
    set(&world, "keys", 0o644);
    assert_problem(&world, "keys", &["keys", "others"]);
    set(&world, "keys", 0o600);
    set(&world, "accounts.db", 0o666);
    assert_problem(&world, "store", &["accounts.db can be written by others"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_and_wrong_keys_are_told_apart() {
    let world = connected().await;
    world.write("keys", NEW);
    assert_problem(
        &world,
        "records",
        &["0 open", "plain", "\"old\"", "add that key"],
    );
    world.write("keys", "old:short");
    assert_problem(&world, "keys", &["key"]);
    std::fs::remove_file(world.path("keys")).unwrap();
    assert_problem(&world, "keys", &["keys cannot be read"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_none_is_named() {
    let world = connected().await;
    let garbage = "no database".repeat(1000);
    std::fs::write(world.path("accounts.db"), garbage).unwrap();
    // A process that ended early may have left the log, which has all pages.
    let _ = std::fs::remove_file(world.path("accounts.db-wal"));
    assert_problem(&world, "store", &["accounts.db"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_named_with_the_redirect_uri() {
    let world = connected().await;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    world.configure(&format!(
        "redirect_uri = \"http://127.0.0.1:{port}/callback\"\n"
    ));
    assert_problem(&world, "plain: redirect URI", &[&port.to_string()]);
    // One that is elsewhere is no problem: a person pastes the address.
    world.configure("redirect_uri = \"https://app.example/callback\"\n");
    assert_eq!(examine(&world, &[]), (0, vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_out_of_reach_is_named_with_its_endpoint() {
    let world = connected().await;
    // It closes each connection. No other test can take its port, unlike that of a closed one.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let site = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || listener.incoming().for_each(drop));
    world.reconfigure(|config| config.replace(world.emulator.base(), &site));
    let (code, problems) = examine(&world, &[]);
    assert_eq!(code, 1);
    let failed: Vec<_> = problems.iter().map(|(check, _)| check.as_str()).collect();
    assert_eq!(
        failed,
        ["plain: authorization endpoint", "plain: token endpoint"]
    );
    assert!(
        problems[1]
            .1
            .contains(&format!("{site}/token cannot be reached")),
        "{problems:?}"
    );
    assert!(problems[1].1.contains("check the network"), "{problems:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_off_is_compared_with_the_providers() {
    let world = connected().await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let site = format!("http://{}", listener.local_addr().unwrap());
    // It ends with the test's process.
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(
                b"HTTP/1.1 405 Method Not Allowed\r\ndate: Sat, 01 Jan 2000 00:00:00 GMT\r\n\
                  content-length: 0\r\nconnection: close\r\n\r\n",
            );
        }
    });
    world.reconfigure(|config| config.replace(world.emulator.base(), &site));
    assert_problem(&world, "plain: clock", &["ahead of the provider's", "NTP"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_record_among_others_is_named() {
    let world = connected().await;
    let file = world.path("accounts.db");
    let keyring: Keyring = OLD.parse().unwrap();
    let store = SqliteStore::open(&file, keyring).await.unwrap();
    let entry = Entry::new(Version::random(), "value");
    let put = store.put(&key("new"), &entry, None).await.unwrap();
    assert!(put.is_applied());
    let damage = "UPDATE entries SET value = x'9e746b02' WHERE id = (SELECT max(id) FROM entries)";
    let connection = rusqlite::Connection::open(&file).unwrap();
    assert_eq!(connection.execute(damage, []).unwrap(), 1);
    let digest = key("new").digest().to_string();
    assert_problem(
        &world,
        "records",
        &["1 open", &digest, "cut short", "tokenkeeper keys"],
    );
}
