//! `accounts` and `reencrypt`, on a SQLite file.

use std::{path::PathBuf, time::SystemTime};

use tokenkeeper::{
    sqlite::SqliteStore,
    store::{Entry, Key, Keyring, TokenStore, Version},
};

use crate::{run, text, tokenkeeper};

pub const OLD: &str = "old:fx14y+bLx2yHtjxOPB5Hz2l+I+BbCIRMRrRD9atoTcc=";
pub const NEW: &str = "new:LDcuj8ZO3TA73rgLTMhGo7dB4F8diztyRgnJNi+R0mg=";

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("tokenkeeper-cli-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn store(&self) -> String {
        format!("sqlite:{}", self.file().display())
    }

    fn file(&self) -> PathBuf {
        self.0.join("accounts.db")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn key(subject: &str) -> Key {
    Key::new("amiqus", "https://id.amiqus.co", "client", subject).unwrap()
}

async fn fill(folder: &Folder, keys: &str) {
    let keyring: Keyring = keys.parse().unwrap();
    let store = SqliteStore::open(folder.file(), keyring).await.unwrap();
    let entry = || Entry::new(Version::random(), "value");
    let due = entry().with_due(SystemTime::UNIX_EPOCH);
    let ill = entry().with_attention(true);
    // The engine's own entries, which are no accounts.
    let internal = due.clone().with_attention(true);
    let mark = format!("forgotten:{}", "0a".repeat(32));
    let claim = format!("claimed:{}", "0a".repeat(32));
    for (subject, entry) in [
        ("fine", entry()),
        ("due", due),
        ("ill\nforged", ill),
        (&mark, internal.clone()),
        (&claim, internal),
    ] {
        let put = store.put(&key(subject), &entry, None).await.unwrap();
        assert!(put.is_applied());
    }
}

#[tokio::test]
async fn accounts_lists_all_or_due_or_needing_attention() {
    let folder = Folder::new("accounts");
    fill(&folder, OLD).await;
    let list = |option: &str| {
        let store = folder.store();
        let options = ["accounts", "--store", &store, option];
        let output = run(options.strip_suffix(&[""]).unwrap_or(&options));
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout).to_owned()
    };
    let names = |option: &str| -> Vec<String> {
        let table = list(option);
        let rows = table.lines().skip(1);
        rows.map(|row| row.split("  ").next().unwrap().trim().to_owned())
            .collect()
    };
    assert_eq!(names("").len(), 3);
    assert_eq!(names("--due"), ["amiqus/due"]);
    assert_eq!(names("--attention"), ["amiqus/ill\\nforged"]);
    for line in list("--json").lines() {
        let account: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(account["provider"], "amiqus");
    }
}

// A reader that does not end, in a file whose log is long enough to be a danger.
#[tokio::test]
async fn accounts_warns_of_a_store_in_danger() {
    let folder = Folder::new("danger");
    fill(&folder, OLD).await;
    let warning = || {
        let output = run(&["accounts", "--store", &folder.store()]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stderr).to_owned()
    };
    assert_eq!(warning(), "");

    let reader = rusqlite::Connection::open(folder.file()).unwrap();
    reader
        .execute_batch("BEGIN; SELECT count(*) FROM entries")
        .unwrap();
    let keyring: Keyring = OLD.parse().unwrap();
    let store = SqliteStore::open(folder.file(), keyring).await.unwrap();
    let entry = Entry::new(Version::random(), "value");
    let put = store.put(&key("new"), &entry, None).await.unwrap();
    assert!(put.is_applied());
    let log = std::fs::OpenOptions::new()
        .write(true)
        .open(folder.0.join("accounts.db-wal"))
        .unwrap();
    // Without blocks on the disk.
    log.set_len(1 << 30).unwrap();
    let warning = warning();
    assert!(warning.starts_with("warning: "), "{warning}");
    assert!(warning.contains("accounts.db"), "{warning}");
    assert!(warning.contains("a reader does not end"), "{warning}");
    assert_eq!(warning.lines().count(), 1, "{warning}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_others_may_write_is_named_with_the_remedy() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = Folder::new("exposed");
    fill(&folder, OLD).await;
    let shared = std::fs::Permissions::from_mode(0o666);
    std::fs::set_permissions(folder.file(), shared).unwrap();
    let output = run(&["accounts", "--store", &folder.store()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let error = text(&output.stderr);
    assert!(
        error.contains("accounts.db can be written by others"),
        "{error}"
    );
    assert!(error.contains("run `chmod go-w`"), "{error}");
}

#[tokio::test]
async fn reencrypt_moves_records_to_the_current_key() {
    let folder = Folder::new("reencrypt");
    fill(&folder, OLD).await;
    let reencrypt = |keys: &str| {
        tokenkeeper(&["reencrypt"])
            .env("TOKENKEEPER_STORE", folder.store())
            .env("TOKENKEEPER_KEYS", keys)
            .output()
            .unwrap()
    };
    let wrong = reencrypt(NEW);
    assert_eq!(wrong.status.code(), Some(1), "nothing opens");
    assert_eq!(text(&wrong.stderr).matches("not re-encrypted").count(), 5);
    let moved = reencrypt(&format!("{NEW},{OLD}"));
    assert!(moved.status.success(), "{}", text(&moved.stderr));
    assert!(text(&moved.stdout).starts_with("5 records"));
    let keyring: Keyring = NEW.parse().unwrap();
    let store = SqliteStore::open(folder.file(), keyring).await.unwrap();
    let entry = store.get(&key("fine")).await.unwrap().unwrap();
    assert_eq!(&entry.value[..], b"value");
}

#[cfg(unix)]
#[tokio::test]
async fn reencrypt_moves_records_to_wrapped_keys_and_back() {
    let folder = Folder::new("wrapped");
    fill(&folder, OLD).await;
    let reencrypt = |option: &str, is_down: &str| {
        // One that is written here could still be open in a process that another test starts.
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/key-program");
        tokenkeeper(&["reencrypt", option, program])
            .env("TOKENKEEPER_STORE", folder.store())
            .env("TOKENKEEPER_KEYS", OLD)
            .env("KEY_PROGRAM_IS_DOWN", is_down)
            .output()
            .unwrap()
    };
    let failed = reencrypt("--wrap-with", "yes");
    assert!(!failed.status.success());
    let error = text(&failed.stderr);
    assert!(error.contains("the key service is unavailable"), "{error}");
    assert!(error.contains("connection refused"), "{error}");

    let moved = reencrypt("--wrap-with", "");
    assert!(moved.status.success(), "{}", text(&moved.stderr));
    assert!(text(&moved.stdout).starts_with("5 records"));
    let keyring: Keyring = OLD.parse().unwrap();
    let store = SqliteStore::open(folder.file(), keyring).await.unwrap();
    assert!(store.get(&key("fine")).await.is_err());

    let back = reencrypt("--unwrap-with", "");
    assert!(back.status.success(), "{}", text(&back.stderr));
    assert!(text(&back.stdout).starts_with("5 records"));
    let entry = store.get(&key("fine")).await.unwrap().unwrap();
    assert_eq!(&entry.value[..], b"value");
}

#[tokio::test]
async fn keys_counts_the_records_of_each_key() {
    let folder = Folder::new("keys");
    fill(&folder, OLD).await;
    let keys = |keys: Option<&str>| {
        let mut command = tokenkeeper(&["keys", "--json"]);
        command.env("TOKENKEEPER_STORE", folder.store());
        // No keys are in this home.
        command
            .env("XDG_DATA_HOME", &folder.0)
            .env("XDG_CONFIG_HOME", &folder.0);
        command.envs(keys.map(|keys| ("TOKENKEEPER_KEYS", keys)));
        let output = command.output().unwrap();
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code().unwrap(), report)
    };
    let row = |key: &str, role: &str, records: u64| -> serde_json::Value {
        serde_json::json!({ "key": key, "role": role, "records": records })
    };
    // Both keys, and one record that the new one has written.
    let both = format!("{NEW},{OLD}");
    let store = SqliteStore::open(folder.file(), both.parse::<Keyring>().unwrap())
        .await
        .unwrap();
    let entry = Entry::new(Version::random(), "value");
    assert!(
        store
            .put(&key("newer"), &entry, None)
            .await
            .unwrap()
            .is_applied()
    );
    let (code, report) = keys(Some(&both));
    assert_eq!(code, 0, "{report}");
    let rows = serde_json::json!([row("new", "current", 1), row("old", "old", 5)]);
    assert_eq!(report["keys"], rows);

    // The old one is still needed.
    let (code, report) = keys(Some(NEW));
    assert_eq!(code, 1);
    let rows = serde_json::json!([row("new", "current", 1), row("old", "missing", 5)]);
    assert_eq!(report["keys"], rows);
    let unreadable = report["unreadable"].as_array().unwrap();
    assert_eq!(unreadable.len(), 5);
    let digest = key("fine").digest().to_string();
    assert!(
        unreadable.iter().any(|record| record["digest"] == *digest),
        "{report}"
    );
    assert!(
        unreadable[0]["problem"]
            .as_str()
            .unwrap()
            .contains("\"old\""),
        "{report}"
    );
    assert!(
        !report.to_string().contains("fine"),
        "names stay out: {report}"
    );

    // The names of keys need no key.
    let (code, report) = keys(None);
    assert_eq!(code, 0, "{report}");
    let rows = serde_json::json!([row("new", "missing", 1), row("old", "missing", 5)]);
    assert_eq!(report["keys"], rows);

    assert!(store.reencrypt().await.unwrap().left.is_empty());
    let mut command = tokenkeeper(&["keys", "--store", &folder.store()]);
    let output = command.env("TOKENKEEPER_KEYS", &both).output().unwrap();
    let table = text(&output.stdout);
    assert!(table.contains("old, can be removed"), "{table}");
}

#[test]
fn the_error_names_the_wrong_part_of_a_store_url() {
    for (store, named) in [
        ("accounts.db", "scheme"),
        ("postgres://host", "postgres"),
        ("sqlite:", "path"),
        ("sqlite:/no/such/file", "/no/such/file"),
        ("redis://:port", "host"),
    ] {
        let output = run(&["accounts", "--store", store]);
        assert!(!output.status.success(), "{store}");
        let error = text(&output.stderr);
        assert!(error.contains(named), "{store}: {error}");
    }
}

#[test]
fn no_error_shows_the_password_of_a_mistyped_url() {
    let mistyped: [&[&str]; 6] = [
        &["accounts", "--store", "redis:/user:hunter2@host"],
        &["accounts", "--store", "reds://user:hunter2@host/0"],
        &["accounts", "--store", "redis://user:hunter2@host:port/0"],
        &[
            "accounts",
            "--store",
            "redis://user:hun ter2:hunter2@host/x",
        ],
        &["accounts", "redis://user:hunter2@host/0"],
        &["accounts", "--stor=redis://user:hunter2@host/0"],
    ];
    for arguments in mistyped {
        let output = run(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        let shown = text(&output.stdout).to_owned() + text(&output.stderr);
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("error: "), "{shown}");
    }
}

#[tokio::test]
async fn a_file_may_hold_the_url() {
    let folder = Folder::new("url");
    fill(&folder, OLD).await;
    let file = folder.0.join("store-url");
    std::fs::write(&file, folder.store() + "\n").unwrap();
    let output = run(&["accounts", "--store-file", file.to_str().unwrap()]);
    assert!(text(&output.stdout).contains("amiqus"));
    std::fs::remove_file(&file).unwrap();
    let output = run(&["accounts", "--store-file", file.to_str().unwrap()]);
    assert!(text(&output.stderr).contains("store-url cannot be read"));
}
