//! What an account with a valid token takes in memory, by the allocator's count and by the operating system's.

use std::time::Duration;

use tokenkeeper_benches::{Elsewhere, NoTransport, accounts_over, token, tokens};

const ACCOUNTS: usize = 1_000_000;
/// With an access token of 800 bytes and the key of most accounts, 963 bytes in all.
const REFRESH_TOKEN: usize = 118;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime with nothing but a timer needs nothing");
    let inside = runtime.enter();
    let accounts = accounts_over(Elsewhere, NoTransport);
    drop(inside);
    let connect = async |subject: &str| {
        let account = accounts
            .account("amiqus", subject)
            .expect("the subject is not empty");
        let tokens =
            tokens(Duration::from_secs(3600)).with_refresh_token("r".repeat(REFRESH_TOKEN));
        account
            .adopt(tokens)
            .await
            .expect("the store takes every write");
        account
    };
    // What is set up once is no part of an account.
    let first = runtime.block_on(connect("user-000000"));
    let key = first.key();
    let key = [key.brand(), key.base(), key.client_id(), key.subject()];
    let own = token().len() + REFRESH_TOKEN + key.map(str::len).iter().sum::<usize>();
    let before = resident();
    let held = allocation_counter::measure(|| {
        runtime.block_on(async {
            for i in 0..ACCOUNTS {
                connect(&format!("user-{i}")).await;
            }
        });
    });
    let counted =
        held.bytes_current / i64::try_from(ACCOUNTS).expect("a million is no large number");
    let resident = (resident() - before) / ACCOUNTS as u64;
    println!(
        "| accounts | of them tokens and key | counted an account | resident an account |\n|---|---|---|---|"
    );
    println!("| {ACCOUNTS} | {own} B | {counted} B | {resident} B |");
}

/// What the operating system counts, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("this is Linux");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .expect("every process has it");
    let kilobytes: u64 = line
        .split_whitespace()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .expect("a number");
    kilobytes * 1024
}
