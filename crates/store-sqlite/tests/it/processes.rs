//! Several processes on one file.

use std::collections::HashMap;

use tokenkeeper_store::{Filter, TokenStore};
use tokenkeeper_store_sqlite::SqliteStore;

use crate::child::{ADDITIONS, RACERS, ROUNDS, number, start};
use crate::storm::process::Process;
use crate::support::{Directory, key};

#[tokio::test]
async fn acknowledged_writes_survive_a_kill() {
    let directory = Directory::new();
    let mut acknowledged = 0;
    for life in 0..3 {
        let database = directory.path().join(format!("life-{life}.db"));
        let mut process = start("write_until_killed", &database);
        let mut said: Vec<String> = (0..40)
            .map(|_| process.hear().expect("it writes"))
            .collect();
        process.kill();
        said.extend(std::iter::from_fn(|| process.hear()));

        let store = SqliteStore::open_plaintext(&database).await.unwrap();
        for line in &said {
            let (number, version) = line.split_once(' ').expect("a number and a version");
            let found = store.get(&key(&format!("user-{number}"))).await.unwrap();
            assert_eq!(format!("{:?}", found.expect("not lost").version), version);
        }
        let last = store
            .get(&key("the same"))
            .await
            .unwrap()
            .expect("not lost");
        assert!(number(&last) + 1 >= said.len());
        acknowledged += said.len();
    }
    assert!(acknowledged >= 120);
}

#[tokio::test]
async fn one_of_8_racing_processes_applies() {
    let directory = Directory::new();
    // They also race to create the file.
    let mut processes: Vec<Process> = (0..RACERS)
        .map(|_| start("race", &directory.database()))
        .collect();
    for process in &mut processes {
        assert_eq!(process.hear().as_deref(), Some("ready"));
    }
    for process in &mut processes {
        process.tell("go");
    }
    let mut said: HashMap<String, usize> = HashMap::new();
    for process in &mut processes {
        while let Some(line) = process.hear() {
            *said.entry(line).or_default() += 1;
        }
    }
    assert_eq!(said.get("done"), Some(&RACERS));

    let store = SqliteStore::open_plaintext(directory.database())
        .await
        .unwrap();
    for round in 0..ROUNDS {
        let winner = store.get(&key(&format!("round-{round}"))).await.unwrap();
        let version = winner.expect("an entry").version;
        assert_eq!(said.get(&format!("applied {round} {version:?}")), Some(&1));
        assert_eq!(
            said.get(&format!("met {round} {version:?}")),
            Some(&(RACERS - 1))
        );
    }
    let sum = store.get(&key("number")).await.unwrap().expect("an entry");
    assert_eq!(number(&sum), RACERS * ADDITIONS);
    let listed = store.list(Filter::All, None, 1_000).await.unwrap().keys;
    assert_eq!(listed.len(), ROUNDS + 1);
}
