//! Processes that share a store share its refreshes: this test runs itself as the processes.

use std::{env, process::Stdio};

use tokenkeeper::{sqlite::SqliteStore, store::TokenStore};
use tokenkeeper_emulator::Endpoint;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
};

use crate::{
    setup::{SECOND, Setup, builder},
    stores::keyring,
};

const FILE: &str = "TOKENKEEPER_TEST_FILE";
const BASE: &str = "TOKENKEEPER_TEST_BASE";

async fn open(file: &str) -> impl TokenStore + use<> {
    SqliteStore::open(file, keyring()).await.unwrap()
}

#[tokio::test]
async fn four_processes_make_one_token_request() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("tokens.db");
    let file = file.to_str().unwrap();
    let setup = Setup::expired_in(open(file).await).await;
    setup.accounts.shutdown(10 * SECOND).await.unwrap();

    let gate = setup.emulator.faults().hold(Endpoint::Token);
    let mut processes: Vec<_> = (0..4)
        .map(|_| {
            Command::new(env::current_exe().unwrap())
                .args([
                    "--exact",
                    "many_processes::process",
                    "--ignored",
                    "--nocapture",
                ])
                .env(FILE, file)
                .env(BASE, setup.emulator.base())
                .stdout(Stdio::piped())
                .kill_on_drop(true)
                .spawn()
                .unwrap()
        })
        .collect();
    // The answer is held until every process has asked.
    let mut outputs = Vec::new();
    for process in &mut processes {
        let mut output = BufReader::new(process.stdout.take().unwrap()).lines();
        while output.next_line().await.unwrap().unwrap() != "asking" {}
        outputs.push(output);
    }
    gate.arrived(1).await;
    gate.release();
    for (process, output) in processes.iter_mut().zip(&mut outputs) {
        while output.next_line().await.unwrap().unwrap() != "generation 2" {}
        assert!(process.wait().await.unwrap().success());
    }
    let counters = setup.emulator.counters();
    assert_eq!(
        (counters.refreshes(), counters.presented_after_answer()),
        (1, 0)
    );
}

#[tokio::test]
#[ignore = "a process of the test above"]
async fn process() {
    let (Ok(file), Ok(base)) = (env::var(FILE), env::var(BASE)) else {
        return;
    };
    let accounts = builder(open(&file).await, &base).build().unwrap();
    let account = accounts.account("amiqus", "user-42").unwrap();
    println!("\nasking");
    println!("generation {}", account.token().await.unwrap().generation());
    accounts.shutdown(10 * SECOND).await.unwrap();
}
