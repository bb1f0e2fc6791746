//! `export` and `import`: accounts move from one store to another.

use std::process::Output;

use serde_json::{Value, json};

use crate::{
    text,
    world::{World, feed},
};

const PASSPHRASE: &str = "correct horse battery staple";

/// Runs a command that takes the passphrase from the environment.
fn run(world: &World, arguments: &[&str]) -> Output {
    let mut command = world.command(arguments);
    command.env("TOKENKEEPER_PASSPHRASE", PASSPHRASE);
    feed(command, b"")
}

/// Runs `import` with lines on stdin.
fn import(world: &World, arguments: &[&str], lines: &[Value]) -> Output {
    let lines: Vec<_> = lines.iter().map(Value::to_string).collect();
    world.run_with(
        &[&["import"], arguments].concat(),
        lines.join("\n").as_bytes(),
    )
}

fn works(world: &World, account: &str) -> bool {
    let call = ["request", "GET", &world.api(), "--account", account];
    world.run(&call).status.success()
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_move_and_have_one_owner() {
    let world = World::connected().await;
    world.log_in(&["plain", "--account", "work"]);
    let file = world.path("accounts.sealed");
    let file = file.to_str().unwrap();
    let exported = run(&world, &["export", "--all", "--output", file]);
    assert!(exported.status.success(), "{}", text(&exported.stderr));
    assert!(text(&exported.stderr).contains("forgotten here"));
    assert_eq!(world.run(&["status", "plain"]).status.code(), Some(3));
    // Each has a refresh token that no other process was about to present.
    assert_eq!(world.emulator.counters().refreshes(), 2);

    let sealed = std::fs::read_to_string(file).unwrap();
    assert!(!sealed.contains("access_token") && !sealed.contains("plain"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(file).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "others can read it");
    }

    let imported = run(&world, &["import", file]);
    assert!(imported.status.success(), "{}", text(&imported.stderr));
    for account in ["plain", "plain/work"] {
        assert!(works(&world, account));
        world.json(&["refresh", account]);
    }
    assert_eq!(world.emulator.counters().presented_after_answer(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_that_need_a_login_are_left_out_of_all() {
    let world = World::connected().await;
    world.emulator.revoke_user("bob@example.com");
    assert_eq!(world.run(&["refresh", "plain"]).status.code(), Some(3));
    world.log_in(&["plain", "--account", "work"]);
    let file = world.path("accounts.sealed");
    let all = ["export", "--all", "--json", "-o", file.to_str().unwrap()];
    let exported = run(&world, &all);
    assert!(text(&exported.stderr).contains("plain needs a login"));
    let report: Value = serde_json::from_slice(&exported.stdout).unwrap();
    assert_eq!(report["exported"], json!(["plain/work"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_made_on_demand_and_with_a_warning() {
    let world = World::connected().await;
    let file = world.path("copy");
    let file = file.to_str().unwrap();
    let copied = run(&world, &["export", "plain", "-o", file, "--keep"]);
    assert!(copied.status.success(), "{}", text(&copied.stderr));
    assert!(text(&copied.stderr).contains("one of the two copies only"));
    assert!(works(&world, "plain"));
    assert_eq!(world.emulator.counters().refreshes(), 0);

    let again = run(&world, &["export", "plain", "-o", file]);
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains("name a new file"));
    assert!(works(&world, "plain"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_fails_forgets_nothing() {
    let world = World::connected().await;
    for (arguments, code, named) in [
        (
            &["export", "plain", "-o", "/no/such/folder/x"][..],
            2,
            "nothing was moved",
        ),
        (
            &["export", "plain", "plain/other", "-o", "x"],
            3,
            "is not connected",
        ),
        (&["export", "-o", "x"], 2, "required"),
        (&["export", "--all"], 2, "--output"),
    ] {
        let output = run(&world, arguments);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{error}");
        assert!(error.contains(named), "{error}");
    }
    let none = world.command(&[
        "export",
        "plain",
        "-o",
        "x",
        "--passphrase-file",
        "/no/such",
    ]);
    assert_eq!(feed(none, b"").status.code(), Some(2));
    assert!(!std::path::Path::new("x").exists());
    assert!(works(&world, "plain"));
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_lines_are_imported_once() {
    let world = World::start().await;
    let issued = world.emulator.issue_tokens("bob@example.com").unwrap();
    let line = json!({
        "account": "plain",
        "access_token": issued.access_token,
        "refresh_token": issued.refresh_token,
        "client_id": tokenkeeper_emulator::DEFAULT_CLIENT_ID,
        "site": world.emulator.base(),
    });
    let imported = import(&world, &["--json"], std::slice::from_ref(&line));
    let report: Value = serde_json::from_slice(&imported.stdout).unwrap();
    assert_eq!(report["imported"], true, "{report}");
    assert!(works(&world, "plain"));
    world.json(&["refresh", "plain"]);

    let again = import(&world, &[], std::slice::from_ref(&line));
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains("line 1: plain is connected: --replace"));
    assert!(works(&world, "plain"));
    assert!(import(&world, &["--replace"], &[line]).status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_line_keeps_all_from_being_imported() {
    let world = World::start().await;
    let good = json!({ "account": "plain", "access_token": "secret-1" });
    for (wrong, problem) in [
        (
            json!({ "account": "plain/b" }),
            "line 2: missing field `access_token`",
        ),
        (
            json!({ "account": "plain", "access_token": "secret-2" }),
            "line 2: plain is in line 1",
        ),
        (
            json!({ "account": "other", "access_token": "secret-2" }),
            "line 2: `other` is not",
        ),
        (json!(["secret-2"]), "line 2: no account"),
        (
            json!({ "account": "plain/b", "access_token": "secret-2", "client_id": "other" }),
            "line 2: the tokens are of another `client_id`",
        ),
    ] {
        let output = import(&world, &[], &[good.clone(), wrong]);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains("nothing was imported"), "{error}");
        assert!(error.contains(problem), "{error}");
        assert!(!error.contains("secret"), "{error}");
        assert_eq!(world.run(&["status", "plain"]).status.code(), Some(3));
    }
    assert_eq!(import(&world, &[], &[]).status.code(), Some(2));
}

/// As `| head -1` leaves it, where an account that was not imported would be lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_is_gone_ends_no_import() {
    let world = World::start().await;
    let accounts = ["plain", "plain/b", "plain/c"];
    let lines: Vec<_> = accounts
        .iter()
        .map(|account| {
            let issued = world.emulator.issue_tokens("bob@example.com").unwrap();
            let token = issued.access_token;
            json!({ "account": account, "access_token": token }).to_string()
        })
        .collect();
    let file = world.path("lines");
    std::fs::write(&file, lines.join("\n")).unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut import = world.command(&["import", "--json", file.to_str().unwrap()]);
    let output = import.stdout(writer).output().unwrap();
    assert_eq!(output.status.code(), Some(141), "{}", text(&output.stderr));
    for account in accounts {
        assert!(works(&world, account), "{account}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_passphrase_opens_nothing() {
    let world = World::connected().await;
    let file = world.path("accounts.sealed");
    let file = file.to_str().unwrap();
    assert!(
        run(&world, &["export", "plain", "-o", file])
            .status
            .success()
    );
    let wrong = world.path("wrong");
    std::fs::write(&wrong, "wrong\n").unwrap();
    let wrong = ["import", file, "--passphrase-file", wrong.to_str().unwrap()];
    let output = world.run(&wrong);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("the passphrase is wrong"));
    let right = world.path("right");
    std::fs::write(&right, format!("{PASSPHRASE}\n")).unwrap();
    let right = ["import", file, "--passphrase-file", right.to_str().unwrap()];
    assert!(world.run(&right).status.success());
    assert!(works(&world, "plain"));
}
