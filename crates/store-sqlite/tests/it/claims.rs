//! Claims in files that older versions also read and write.

use std::time::{Duration, SystemTime};

use rusqlite::Connection;
use tokenkeeper_store::{Entry, Filter, Key, TokenStore};
use tokenkeeper_store_sqlite::SqliteStore;

use crate::support::{Directory, entry, key};

const HOUR: Duration = Duration::from_secs(3_600);

/// Brings a file into the state in which a version without claims leaves it.
const WITHOUT_CLAIMS: &str =
    "DROP TRIGGER claims_update; DROP TRIGGER claims_delete; DROP TABLE claims";

/// The write of a version without claims.
const OLD_PUT: &str = "
    INSERT INTO entries (key, version, value, keep_until, due, attention)
    VALUES (?1, randomblob(16), x'00', NULL, 1, 0)
    ON CONFLICT (key) DO UPDATE
    SET version = randomblob(16), value = x'00', keep_until = NULL, due = 1, attention = 0";

async fn open(directory: &Directory) -> SqliteStore {
    let store = SqliteStore::open_plaintext(directory.database()).await;
    store.unwrap()
}

fn due_entry() -> Entry {
    entry("value").with_due(SystemTime::now() - HOUR)
}

async fn put_due(store: &SqliteStore, count: usize) -> Vec<Key> {
    let keys: Vec<Key> = (0..count)
        .map(|number| key(&format!("due-{number}")))
        .collect();
    for key in &keys {
        let _ = store.put(key, &due_entry(), None).await.unwrap();
    }
    keys
}

async fn due(store: &SqliteStore) -> Vec<Key> {
    let filter = Filter::DueBefore(SystemTime::now());
    store.list(filter, None, 1_000).await.unwrap().keys
}

async fn claim(store: &SqliteStore, keys: &[Key], lasting: Duration) -> usize {
    let claimed = store.claim(keys, SystemTime::now(), lasting).await;
    claimed.unwrap().len()
}

fn rows(directory: &Directory) -> i64 {
    let file = Connection::open(directory.database()).unwrap();
    let count = file.query_row("SELECT count(*) FROM claims", (), |row| row.get(0));
    count.unwrap()
}

#[tokio::test]
async fn a_file_of_an_older_version_takes_claims() {
    let directory = Directory::new();
    let keys = put_due(&open(&directory).await, 4).await;
    let file = Connection::open(directory.database()).unwrap();
    file.execute_batch(WITHOUT_CLAIMS).unwrap();

    let store = open(&directory).await;
    assert_eq!(claim(&store, &keys[1..], HOUR).await, 3);
    assert_eq!(due(&store).await, keys[..1]);
    // An older version reads the number of the schema, and must find its own.
    let number = file.pragma_query_value(None, "user_version", |row| row.get(0));
    assert_eq!(number, Ok(1));
}

#[tokio::test]
async fn a_write_of_an_older_version_ends_a_claim() {
    let directory = Directory::new();
    let store = open(&directory).await;
    let keys = put_due(&store, 4).await;
    assert_eq!(claim(&store, &keys, HOUR).await, 4);
    let old = Connection::open(directory.database()).unwrap();
    old.execute(OLD_PUT, [keys[2].to_bytes()]).unwrap();
    assert_eq!(due(&store).await, keys[2..3]);
    assert_eq!(claim(&store, &keys, HOUR).await, 1);
}

#[tokio::test]
async fn a_key_given_twice_is_claimed_once() {
    let directory = Directory::new();
    let store = open(&directory).await;
    let keys = put_due(&store, 1).await;
    let twice = [keys[0].clone(), keys[0].clone()];
    assert_eq!(claim(&store, &twice, HOUR).await, 1);
    assert_eq!(claim(&store, &[], HOUR).await, 0);
}

#[tokio::test]
async fn no_claim_outlives_its_end_or_its_entry_in_the_file() {
    let directory = Directory::new();
    let store = open(&directory).await;
    let keys = put_due(&store, 6).await;
    let now = SystemTime::now();
    let claim = async |keys, now| store.claim(keys, now, HOUR).await.unwrap().len();
    assert_eq!(claim(&keys[..4], now).await, 4);
    assert_eq!(rows(&directory), 4);
    assert_eq!(claim(&keys[4..], now + 2 * HOUR).await, 2);
    assert_eq!(rows(&directory), 2);
    let version = store.get(&keys[5]).await.unwrap().unwrap().version;
    let _ = store.delete(&keys[5], version).await.unwrap();
    assert_eq!(rows(&directory), 1);
}
