//! The engine over a file: many processes, one account, and a refresh token that works once.

use crate::storm::{PROCESSES, TASKS, account, engine, expired, storm, storms_of_processes};
use crate::support::Directory;

#[tokio::test(flavor = "multi_thread")]
async fn eight_engines_make_one_token_request() {
    for run in 0..10 {
        let directory = Directory::new();
        let database = directory.database();
        let database = database.to_str().expect("a text");
        let emulator = expired(database).await;
        let mut accounts = Vec::new();
        for _ in 0..PROCESSES {
            let account = account(&engine(database, emulator.base()).await);
            assert!(account.status().await.is_ok());
            accounts.push(account);
        }
        let tokens = storm(&accounts).await;
        assert_eq!(tokens.len(), PROCESSES * TASKS);
        assert!(tokens.iter().all(|token| *token == tokens[0]), "run {run}");
        let counters = emulator.counters();
        assert_eq!(counters.token_requests, 1, "run {run}: {counters:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_processes_make_one_token_request() {
    let directory = Directory::new();
    let database = directory.database();
    storms_of_processes(database.to_str().expect("a text")).await;
}
