//! Memory of an account with a valid token, counted by the allocator and by the operating system.

use std::time::Duration;

use tokenkeeper_benches::{Engine, Scale, token, tokens};

/// Makes 963 bytes, with an access token of 800 bytes and the key of most accounts.
const REFRESH_TOKEN: usize = 118;

fn main() {
    let accounts = Scale::from_args().pick(1_000, 1_000_000);
    let engine = Engine::discarding();
    let connect = |subject: &str| {
        let tokens = tokens(Duration::from_secs(3600));
        engine.connect(
            subject,
            tokens.with_refresh_token("r".repeat(REFRESH_TOKEN)),
        )
    };
    // The first account pays for one-time set-up.
    let first = connect("user-000000");
    let key = first.key();
    let key = [key.brand(), key.base(), key.client_id(), key.subject()];
    let own = token().len() + REFRESH_TOKEN + key.map(str::len).iter().sum::<usize>();
    let before = resident();
    let held = allocation_counter::measure(|| {
        for i in 0..accounts {
            connect(&format!("user-{i}"));
        }
    });
    let counted = held.bytes_current / accounts;
    let resident = (resident() - before) / accounts.unsigned_abs();
    println!(
        "| accounts | of them tokens and key | counted an account | resident an account |\n\
         |---|---|---|---|"
    );
    println!("| {accounts} | {own} B | {counted} B | {resident} B |");
}

/// Returns the resident set size of this process, in bytes; 0 where there is no `/proc`.
fn resident() -> u64 {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
        return 0;
    };
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
