//! A configuration that cannot be used, and accounts that it does not have.

use tokenkeeper_emulator::DEFAULT_CLIENT_SECRET;

use crate::{
    store::{NEW, OLD},
    text, tokenkeeper,
    world::World,
};

#[test]
fn an_unreadable_configuration_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.toml");
    // A folder cannot be read by any user.
    for path in [folder.path(), &missing] {
        let output = tokenkeeper(&["status", "plain", "--config"])
            .arg(path)
            .output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(2));
        let error = text(&output.stderr);
        let expected = format!("the configuration {} cannot be read", path.display());
        assert!(error.contains(&expected), "{error}");
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;

    let world = World::start().await;
    let file = world.path("config.toml");
    for mode in [0o644, 0o640, 0o604] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let output = world.run(&["status", "plain"]);
        assert_eq!(output.status.code(), Some(2), "{mode:o}");
        let error = text(&output.stderr);
        assert!(
            error.contains("config.toml") && error.contains("chmod 600"),
            "{error}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_account_needs_a_login() {
    let world = World::start().await;
    world.log_in(&["plain"]);
    for arguments in [["status", "plain/other"], ["refresh", "plain/other"]] {
        assert_eq!(
            world.run(&arguments).status.code(),
            Some(3),
            "{arguments:?}"
        );
    }
    let output = world.run(&["logout", "other"]);
    assert_eq!(output.status.code(), Some(2));
    let error = text(&output.stderr);
    assert!(
        error.contains("`other` is not configured, but plain is"),
        "{error}"
    );
}

/// Replaces the secret of the configuration.
fn with_secret(world: &World, line: &str) {
    world.reconfigure(|config| {
        let lines = config
            .lines()
            .map(|old| match old.starts_with("client_secret") {
                true => line,
                false => old,
            });
        lines.collect::<Vec<_>>().join("\n")
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_comes_from_a_variable_or_a_file() {
    let world = World::connected().await;
    let refresh = |variable: Option<&str>| {
        let mut command = world.command(&["refresh", "plain"]);
        command.envs(variable.map(|name| (name, DEFAULT_CLIENT_SECRET)));
        let output = command.output().unwrap();
        (
            output.status.code().unwrap(),
            text(&output.stderr).to_owned(),
        )
    };
    with_secret(&world, "client_secret_env = \"APP_SECRET\"");
    assert_eq!(refresh(Some("APP_SECRET")).0, 0);
    let (code, error) = refresh(None);
    assert_eq!(code, 2);
    assert!(error.contains("APP_SECRET is not set"), "{error}");

    with_secret(&world, "client_secret_file = \"secret\"");
    world.write("secret", &format!("{DEFAULT_CLIENT_SECRET}\n"));
    assert_eq!(refresh(None), (0, String::new()));

    with_secret(&world, "");
    assert_eq!(refresh(Some("TOKENKEEPER_PLAIN_SECRET")).0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_places_of_one_secret_are_refused() {
    let world = World::start().await;
    world.configure("client_secret_file = \"secret\"\n");
    let output = world.run(&["status", "plain"]);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(
        error.contains("both `client_secret` and `client_secret_file`"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dialect_is_toml_or_json() {
    let world = World::start().await;
    let toml = "brand = \"plain\"\nbase = \"https://login.example\"\n\
                authorization.endpoint = \"/authorize\"\ntoken.endpoint = \"/token\"\n";
    world.write("dialect.toml", toml);
    let dialect = tokenkeeper::protocol::Dialect::from_toml(toml).unwrap();
    world.write("dialect.json", &serde_json::to_string(&dialect).unwrap());
    let kind = "kind = \"rfc6749\"";
    for file in ["dialect.toml", "dialect.json"] {
        world.configure("");
        let site = format!("site = {:?}\n", world.emulator.base());
        world.reconfigure(|config| {
            let config = config.replace(kind, &format!("dialect = {file:?}"));
            config.replace(&site, "")
        });
        let output = world.run(&["status", "plain"]);
        assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn flags_come_before_the_environment_and_that_before_the_file() {
    let world = World::connected().await;
    let status = |variable: Option<&str>, arguments: &[&str]| {
        let mut command = world.command(&[&["status", "plain"], arguments].concat());
        command.envs(variable.map(|keys| ("TOKENKEEPER_KEYS", keys)));
        command.output().unwrap().status.code().unwrap()
    };
    let keys = world.path("keys");
    let flag = ["--keys", keys.to_str().unwrap()];
    assert_eq!(status(None, &[]), 0);
    assert_eq!(status(Some(""), &[]), 0, "it is not set");
    assert_ne!(status(Some(NEW), &[]), 0, "it comes before the file");
    assert_eq!(status(Some(NEW), &flag), 0);
    world.reconfigure(|config| config.replace("\"keys\"", "\"no-such-file\""));
    assert_ne!(status(None, &[]), 0);
    assert_eq!(status(Some(OLD), &[]), 0);
}

/// A store without its keys is not given other ones, which would open none of its records.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn keys_are_drawn_for_a_new_default_store_only() {
    use std::os::unix::fs::PermissionsExt as _;

    let world = World::start().await;
    world.reconfigure(|config| {
        let lines = config.lines();
        let lines = lines.filter(|line| !line.starts_with("store") && !line.starts_with("keys"));
        lines.collect::<Vec<_>>().join("\n")
    });
    let status = || {
        let mut command = world.command(&["status", "plain"]);
        command.env("HOME", world.folder());
        command.env("XDG_DATA_HOME", world.folder());
        command.output().unwrap()
    };
    let output = status();
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    let keys = world.path("tokenkeeper/keys");
    let drawn = std::fs::read_to_string(&keys).unwrap();
    // Keys of two stores have different ids.
    assert!(
        drawn.split_once(':').unwrap().0.len() == 8,
        "the id of a key"
    );
    std::fs::remove_file(&keys).unwrap();

    let output = status();
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("the store's keys are missing"), "{error}");
    assert!(!keys.exists());
    std::fs::write(&keys, drawn).unwrap();
    std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(status().status.code(), Some(3));
}

/// The secret of another provider could wait for a person at the keychain.
#[tokio::test(flavor = "multi_thread")]
async fn commands_read_the_secret_of_their_provider_only() {
    let world = World::connected().await;
    world.reconfigure(|config| {
        let other = "[providers.other]\nkind = \"github\"\nclient_id = \"x\"\n\
                     client_secret_env = \"TOKENKEEPER_TEST_UNSET\"\n";
        format!("{config}\n{other}")
    });
    for arguments in [
        &["status", "plain"][..],
        &["token", "plain"],
        &["request", "GET", &world.api(), "--account", "plain"],
        &["run", "plain", "--", "true"],
        &["refresh", "plain"],
    ] {
        let output = world.run(arguments);
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    for arguments in [&["request", "GET", &world.api()][..], &["status", "other"]] {
        let output = world.run(arguments);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(
            error.contains("TOKENKEEPER_TEST_UNSET is not set"),
            "{error}"
        );
    }
}
